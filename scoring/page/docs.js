// Shows openapi.json and sends requests. Every text goes into the page as text, never as HTML.
"use strict";

const HORIZON = 7;

function element(tag, options = {}, ...children) {
  const made = Object.assign(document.createElement(tag), options);
  made.append(...children);
  return made;
}

function table(heads, rows, numbersFrom = Infinity) {
  const cell = (tag, content, at) => element(tag, { className: at >= numbersFrom ? "number" : "" }, content);
  const body = rows.map((row) => element("tr", {}, ...row.map((content, at) => cell("td", content, at))));
  const head = element("tr", {}, ...heads.map((content, at) => cell("th", content, at)));
  return element("div", { className: "wide" }, element("table", {}, element("thead", {}, head), element("tbody", {}, ...body)));
}

function typeOf(schema) {
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(" or ");
  if (schema.type === "array") return `list of ${typeOf(schema.items ?? {})}`;
  return schema.format ?? schema.type ?? "any";
}

function limitsOf(schema) {
  const inner = schema.type === "array" ? schema.items ?? {} : schema;
  const found = [];
  if (inner.minimum !== undefined) found.push(`at least ${inner.minimum}`);
  if (inner.maximum !== undefined) found.push(`at most ${inner.maximum}`);
  if (schema.minItems !== undefined) found.push(`${schema.minItems} or more`);
  if (schema.maxItems !== undefined) found.push(`at most ${schema.maxItems} of them`);
  if (schema.default !== undefined) found.push(`if left out: ${JSON.stringify(schema.default)}`);
  return found.join("; ");
}

function schemaTable(schema) {
  const required = schema.required ?? [];
  const rows = Object.entries(schema.properties ?? {}).map(([name, field]) => [
    element("code", { textContent: name }), typeOf(field), required.includes(name) ? "yes" : "", limitsOf(field),
  ]);
  return table(["field", "type", "required", "limits"], rows);
}

function curl(method, path, body) {
  const address = new URL(path.slice(1), document.baseURI);
  const data = body ? ` \\\n  -H 'content-type: application/json' -d '${body.replaceAll("'", "'\\''")}'` : "";
  return `curl -X ${method} ${address} -H "x-api-key: $KEY"${data}`;
}

function forecastTable(answer) {
  const levels = answer.forecast[0].intervals.map((interval) => interval.level);
  const heads = ["day", "mean", ...levels.flatMap((level) => [`${level} % lower`, `${level} % upper`])];
  const rows = answer.forecast.map((row) => [
    row.date, row.mean.toFixed(2), ...row.intervals.flatMap((one) => [one.lower.toFixed(2), one.upper.toFixed(2)]),
  ]);
  return table(heads, rows, 1);
}

async function send(method, path, body) {
  const headers = {};
  const key = document.getElementById("key").value;
  if (key) headers["x-api-key"] = key;
  if (body !== undefined) headers["content-type"] = "application/json";
  const answer = await fetch(path.slice(1), { method, headers, body, credentials: "omit", cache: "no-store" });
  return { status: answer.status, phrase: answer.statusText, text: await answer.text() };
}

function shown(answer) {
  let text = answer.text;
  const parts = [];
  try {
    const found = JSON.parse(text);
    text = JSON.stringify(found, null, 2);
    if (Array.isArray(found.forecast) && found.forecast.length) parts.push(forecastTable(found));
  } catch {
    // Figures for Prometheus are text.
  }
  const status = `${answer.status} ${answer.phrase}`.trim();
  const hint = answer.status === 401 ? " Enter the key at the top of this page." : "";
  return [element("p", { className: "status", textContent: status + hint }), ...parts, element("pre", { textContent: text })];
}

function trial(method, path, example) {
  const result = element("div", { className: "result" });
  result.setAttribute("aria-live", "polite");
  const body = example === undefined ? undefined
    : element("textarea", { value: JSON.stringify(example, null, 2), spellcheck: false, ariaLabel: `Body of ${path}` });
  const command = element("pre", { textContent: curl(method, path, body?.value) });
  body?.addEventListener("input", () => { command.textContent = curl(method, path, body.value); });
  const button = element("button", { type: "button", textContent: "Send" });
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      result.replaceChildren(...shown(await send(method, path, body?.value)));
    } catch (error) {
      result.replaceChildren(element("p", { className: "status", textContent: `No answer: ${error.message}` }));
    }
    button.disabled = false;
  });
  return [...(body ? [body] : []), button, result, element("h3", { textContent: "From a shell" }), command];
}

const EXAMPLES = {
  "/forecast": { horizon_days: HORIZON, levels: [80, 95], observations: [] },
  "/score": { data: [HORIZON] },
};

function route(method, path, operation) {
  const upper = method.toUpperCase();
  const refused = Object.entries(operation.responses ?? {}).map(([status, one]) => [status, one.description ?? ""]);
  const sent = operation.requestBody?.content?.["application/json"]?.schema;
  const summary = element("summary", {},
    element("span", { className: "method", textContent: upper }), element("code", { textContent: path }),
    element("span", { className: "what", textContent: operation.description ?? "" }));
  return element("details", { open: path === "/forecast" }, summary,
    element("p", { textContent: operation.security ? "Needs the key." : "Needs no key." }),
    ...(sent ? [element("p", {}, "Body: ", element("code", { textContent: typeOf(sent) }))] : []),
    ...trial(upper, path, sent ? EXAMPLES[path] ?? {} : undefined),
    element("h3", { textContent: "Answers" }), table(["status", "meaning"], refused));
}

async function show() {
  const description = JSON.parse((await send("GET", "/openapi.json")).text);
  document.getElementById("title").textContent = description.info.title;
  document.getElementById("about").textContent = `Version ${description.info.version}. `
    + "Try a route here, or copy its command. Amounts are in the currency of the data, one a day.";
  const routes = Object.entries(description.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => route(method, path, operation)));
  document.getElementById("routes").replaceChildren(...routes);
  const schemas = Object.entries(description.components.schemas).filter(([, schema]) => schema.properties);
  document.getElementById("schemas").replaceChildren(...schemas.flatMap(([name, schema]) =>
    [element("h3", { textContent: name }), element("p", { textContent: schema.description ?? "" }), schemaTable(schema)]));
}

show().catch((error) => {
  document.getElementById("about").textContent = `The description of the routes could not be read: ${error.message}`;
});
