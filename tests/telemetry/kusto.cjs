// Reads {"tables": {name: "(column: type, ...)"}, "queries": {name: text}} from standard input and prints, for each
// query, the columns of its result and what Microsoft's language service finds wrong with it.
require("@kusto/language-service-next/bridge.min.js");
require("@kusto/language-service-next/Kusto.Language.Bridge.min.js");

const { tables, queries } = JSON.parse(require("fs").readFileSync(0, "utf8"));
const { KustoCode, GlobalState, Symbols } = Kusto.Language;
const known = Object.entries(tables).map(([name, schema]) => Symbols.TableSymbol.From(schema).WithName(name));
const globals = GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.ctor("insights", known));
const found = {};
for (const [name, text] of Object.entries(queries)) {
  const code = KustoCode.ParseAndAnalyze(text, globals);
  const columns = code.ResultType && code.ResultType.Columns ? Bridge.toArray(code.ResultType.Columns) : [];
  found[name] = {
    columns: columns.map((column) => column.Name),
    wrong: Bridge.toArray(code.GetDiagnostics()).map((one) => `${one.Severity}: ${one.Message}`),
  };
}
console.log(JSON.stringify(found));
