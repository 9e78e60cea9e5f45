/** Chosen files become cases: a picture alone, a WFDB header with its signals, or a ZIP. */

import { Fault } from "./fault.js";

const SIGNALS = /\.(dat|mat)$/i;
const HEADER = /\.hea$/i;
const ARCHIVE = /\.zip$/i;
const SHOWN = /^image\/(png|jpeg|webp|gif|bmp)$/; // what a browser shows without the service's help

/**
 * @param {File[]} files
 * @returns {Promise<{name: string, kind: "picture"|"record"|"archive", files: File[], fault: Fault|null}[]>}
 *   in the order given; what cannot be sent has a fault
 */
export async function casesOf(files) {
  const signals = new Map(files.filter((file) => SIGNALS.test(file.name)).map((file) => [file.name, file]));
  const cases = [];
  const used = new Set();
  for (const file of files) {
    if (HEADER.test(file.name)) {
      const names = signalNames(await file.text());
      const own = names.map((name) => signals.get(name)).filter(Boolean);
      own.forEach((signal) => used.add(signal.name));
      const missing = names.filter((name) => !signals.has(name));
      cases.push({ name: file.name.replace(HEADER, ""), kind: "record", files: [file, ...own], fault: lacking(missing) });
    } else if (ARCHIVE.test(file.name)) {
      cases.push({ name: file.name, kind: "archive", files: [file], fault: emptiness(file) });
    } else if (!SIGNALS.test(file.name)) {
      cases.push({ name: file.name, kind: "picture", files: [file], fault: emptiness(file) });
    }
  }
  for (const [name, file] of signals) {
    if (!used.has(name)) cases.push({ name, kind: "record", files: [file], fault: headless(name) });
  }
  return cases;
}

/** Names of the signal files that a WFDB header tells, each once (physionet.org, header(5)). */
export function signalNames(header) {
  const lines = header.split(/\r?\n/).filter((line) => line.trim() && !line.startsWith("#"));
  const count = Number.parseInt(lines[0]?.trim().split(/\s+/)[1] ?? "0", 10) || 0;
  const named = lines.slice(1, 1 + count).map((line) => line.trim().split(/\s+/)[0]);
  return [...new Set(named)].filter((name) => name !== "~");
}

/** Whether the browser can show a file by itself. */
export function isShown(file) {
  return SHOWN.test(file.type);
}

function lacking(missing) {
  if (!missing.length) return null;
  return new Fault({
    what: `the header names ${missing.join(", ")}, which was not given`,
    expected: "a WFDB header together with its signal files",
    fix: "choose the .hea and its .dat in one go",
    code: "bad_request",
  });
}

function headless(name) {
  return new Fault({
    what: `${name} has signals, but no header that names it was given`,
    expected: "a WFDB header together with its signal files",
    fix: "choose the .hea and its .dat in one go",
    code: "bad_request",
  });
}

function emptiness(file) {
  if (file.size > 0) return null;
  return new Fault({
    what: "the file is empty",
    expected: "a PNG, JPEG, TIFF, PDF or DICOM file, a WFDB pair, or a ZIP of them",
    fix: "save it again from where it came",
    code: "unreadable",
  });
}
