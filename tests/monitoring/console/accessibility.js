// What stands against a page for who uses a keyboard, a screen reader or tired eyes; an empty list for nothing.
(() => {
  const problems = [];
  const say = (rule, node) => problems.push(`${rule}: ${(node.outerHTML || String(node)).slice(0, 120)}`);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const shown = (node) => node.getClientRects().length > 0 && getComputedStyle(node).visibility !== "hidden";
  const text = (node) => (node.getAttribute("aria-label") || node.textContent || "").trim();

  if (!document.documentElement.lang) say("page without a language", document.documentElement);
  if (!document.title.trim()) say("page without a title", document.head);
  for (const landmark of ["main", "header"]) if (all(landmark).length !== 1) say(`not one ${landmark}`, document.body);
  const navigations = all("nav").map(text);
  if (new Set(navigations).size !== navigations.length) say("two navigations of one name", document.body);
  if (all("h1").length !== 1) say("not one first heading", document.body);
  let level = 0;
  for (const heading of all("h1, h2, h3, h4")) {
    const next = Number(heading.tagName[1]);
    if (next > level + 1) say("a level of headings is left out", heading);
    if (!text(heading)) say("empty heading", heading);
    level = next;
  }
  const ids = all("[id]").map((node) => node.id);
  ids.filter((id, index) => ids.indexOf(id) !== index).forEach((id) => say("an id twice", id));
  for (const link of all("a[href]")) {
    if (!text(link)) say("link without a name", link);
    if (link.hash && link.pathname === location.pathname && !document.getElementById(link.hash.slice(1))) say("link to nothing", link);
  }
  for (const button of all("button")) if (!text(button)) say("button without a name", button);
  for (const field of all("input:not([type=hidden]), textarea, select")) if (!field.labels.length) say("field without a label", field);
  for (const table of all("table")) {
    for (const head of table.querySelectorAll("thead th")) if (head.scope !== "col") say("column head without scope", head);
    for (const head of table.querySelectorAll("tbody th")) if (head.scope !== "row") say("row head without scope", head);
    const columns = table.querySelectorAll("thead th").length;
    for (const row of table.querySelectorAll("tbody tr")) {
      const cells = [...row.cells].reduce((sum, cell) => sum + cell.colSpan, 0);
      if (columns && cells !== columns) say("row with other columns than its head", row);
      if (!row.querySelector("th")) say("row without a head", row);
    }
  }
  for (const drawing of all("svg")) {
    const hidden = drawing.closest("[aria-hidden=true]");
    if (!hidden && !(drawing.getAttribute("role") === "img" && text(drawing))) say("picture without a name", drawing);
    if (hidden && drawing.querySelector("a, [tabindex]")) say("something to reach inside what is hidden", drawing);
  }
  for (const region of all("[role=region], [tabindex='0']")) if (!region.getAttribute("aria-label")) say("region without a name", region);
  for (const node of all("[tabindex]")) if (Number(node.getAttribute("tabindex")) > 0) say("order of focus by hand", node);
  for (const node of all("body *")) {
    if (node.scrollWidth > node.clientWidth + 1 && ["auto", "scroll"].includes(getComputedStyle(node).overflowX) && node.tabIndex < 0) say("scrolls, but not by keyboard", node);
  }
  for (const list of all("ul, ol")) for (const child of list.children) if (child.tagName !== "LI") say("not an item in a list", child);
  if (document.documentElement.scrollWidth > innerWidth + 1) say(`wider than the window by ${document.documentElement.scrollWidth - innerWidth}`, document.body);

  const channel = (value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const parse = (colour) => colour.match(/[\d.]+/g).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r / 255) + 0.7152 * channel(g / 255) + 0.0722 * channel(b / 255);
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const found = parse(getComputedStyle(at).backgroundColor);
      if (found.length === 3 || found[3] === 1) return found;
    }
    return [255, 255, 255];
  };
  for (const node of all("body *")) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
    if (!own || !shown(node) || node.closest("svg, option")) continue;
    const style = getComputedStyle(node);
    const [one, other] = [light(parse(style.color)), light(behind(node))].sort((a, b) => b - a);
    const size = parseFloat(style.fontSize);
    const wanted = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    const contrast = (one + 0.05) / (other + 0.05);
    if (contrast < wanted) say(`contrast ${contrast.toFixed(2)}`, node);
  }
  return problems;
})()
