/** The order, grouping and filtering of statements; plain data in, plain data out. */

/** How far a probability is above its threshold; what has none can be above nothing. */
export function margin({ probability, threshold }) {
  return Number.isFinite(threshold) ? probability - threshold : probability - 2;
}

/** How far a probability is from a label of 0 or 1. */
export function apart(statement) {
  return Math.abs(statement.label - statement.probability);
}

/**
 * Statements as rows: with the CNN's figures beside them, furthest above its threshold first.
 * @param {object[]} statements  of a result, or of a record of the queue, which have a label
 * @param {object[]|null} cnn  `cnn.statements` of a result
 */
export function rowsOf(statements, cnn = null) {
  const beside = new Map((cnn ?? []).map((statement) => [statement.code, statement]));
  const rows = statements.map((statement) => ({ ...statement, cnn: cnnOf(statement, beside) }));
  const labelled = rows.some((row) => Number.isFinite(row.label));
  const by = labelled ? (row) => apart(row) : margin;
  return rows.sort((one, other) => by(other) - by(one) || one.code.localeCompare(other.code));
}

/** Rows whose code, name or group holds every word of the query; of the chosen kind: "all" or "present". */
export function filtered(rows, query = "", kind = "all") {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter((row) => {
    if (kind === "present" && !row.positive && row.label !== 1) return false;
    const text = `${row.code} ${row.name} ${row.group}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** @returns {{group: string, rows: object[]}[]} rows by group, the group with the first row first. */
export function grouped(rows) {
  const groups = new Map();
  for (const row of rows) {
    const group = row.group || "other";
    if (!groups.has(group)) groups.set(group, []);
    groups.get(group).push(row);
  }
  return [...groups].map(([group, own]) => ({ group, rows: own }));
}

/** @returns {string} "0.83", and never 0 or 1 for what is not. */
export function probabilityTold(value) {
  if (!Number.isFinite(value)) return "–";
  if (value > 0 && value < 0.005) return "<0.01";
  if (value < 1 && value >= 0.995) return ">0.99";
  return value.toFixed(2);
}

function cnnOf(statement, beside) {
  const own = beside.get(statement.code);
  if (own) return { probability: own.probability, threshold: own.threshold, positive: own.positive };
  const alone = statement.cnn_probability;
  return Number.isFinite(alone) ? { probability: alone, threshold: null, positive: null } : null;
}
