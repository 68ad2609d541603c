// Looks through the page in the frame, and says what is wrong with it.
addEventListener("load", () => {
  const frame = document.querySelector("iframe");
  const page = frame.contentDocument;
  const view = frame.contentWindow;
  const all = (selector) => [...page.querySelectorAll(selector)];
  const problems = [];
  const must = (is, what) => { if (!is) problems.push(what); };

  // It asks for nothing and runs nothing.
  const forbidden = "script, img, link, a, iframe, object, embed, form, base, [src], [href]";
  all(forbidden).forEach((one) => problems.push("forbidden: " + one.outerHTML.slice(0, 80)));
  all("*").forEach((one) => [...one.attributes].forEach((attribute) =>
    must(!attribute.name.startsWith("on"), "handler: " + attribute.name)));
  must(all("style").length === 1, "one style");

  // It can be found one's way in without seeing it.
  must(page.documentElement.lang === "en", "language");
  must(all("h1").length === 1 && all("main").length === 1, "one h1, one main");
  let level = 0;
  all("h1, h2, h3").forEach((one) => {
    const next = Number(one.tagName[1]);
    must(next <= level + 1, "skipped level: " + one.textContent);
    level = next;
  });
  const ids = all("[id]").map((one) => one.id);
  must(new Set(ids).size === ids.length, "unique ids");
  all("[aria-labelledby]").forEach((one) =>
    one.getAttribute("aria-labelledby").split(" ").forEach((id) =>
      must(page.getElementById(id)?.textContent, "names nothing: " + id)));
  all("svg").forEach((one) => must(
    one.getAttribute("aria-hidden") || (one.getAttribute("role") === "img" && one.querySelector("title, desc")),
    "chart without words"));
  all("table").forEach((one) => must(one.caption?.textContent, "table without caption"));
  all("th").forEach((one) => must(one.scope, "header of nothing: " + one.textContent));
  all("tbody tr").forEach((one) => must(
    one.cells.length === one.closest("table").tHead.rows[0].cells.length, "cells: " + one.textContent));

  // It can be read.
  const numbers = (color) => color.match(/[\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const part = (c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const behind = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const color = numbers(view.getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const contrast = (color, one) => {
    const [a, b] = [light(numbers(color)), light(behind(one))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  all("body *").forEach((one) => {
    const style = view.getComputedStyle(one);
    const hasText = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    const isShown = style.display !== "none" && !one.closest("title, desc, style");
    const color = one.namespaceURI.endsWith("svg") ? style.fill : style.color;
    if (hasText && isShown && contrast(color, one) < 4.5)
      problems.push("text too faint: " + one.outerHTML.slice(0, 80));
  });
  all("path.line").forEach((one) => must(
    contrast(view.getComputedStyle(one).stroke, one) >= 3, "line too faint: " + one.getAttribute("class")));
  const root = page.documentElement;
  must(root.scrollWidth <= root.clientWidth, `wider than its window: ${root.scrollWidth} > ${root.clientWidth}`);
  must(all("path.line").every((one) => one.getAttribute("d").length > 5 || !one.getAttribute("d")), "line of nothing");

  const words = (one) => one.textContent.replace(/\s+/g, " ").trim();
  document.querySelector("#said").textContent = JSON.stringify({
    problems,
    isDark: view.matchMedia("(prefers-color-scheme: dark)").matches,
    title: page.title,
    verdict: words(page.querySelector(".verdict")),
    headings: all("h1, h2, h3").map(words),
    tables: Object.fromEntries(all("table").map((one) => [words(one.caption), one.querySelectorAll("tbody tr").length])),
    strokes: all("path.line").map((one) => (one.getAttribute("d").match(/M/g) || []).length),
    text: page.body.textContent,
  });
});
