/** Modules of the page, by their name. */
export const load = (name) => import(new URL(`../../../src/twelvelead/serving/page/${name}`, import.meta.url));
