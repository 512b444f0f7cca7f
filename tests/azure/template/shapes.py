"""Resource types that Microsoft's types beside the project do not hold: their fields, from the reference.

A field that ends in `!` is required. Source: learn.microsoft.com/azure/templates, the page of each type.
"""

from __future__ import annotations

from typing import Any

type Shape = dict[str, Any]

TRACKED: Shape = {"name!": "string", "location!": "string", "tags": "any"}

EMAIL: Shape = {"name!": "string", "emailAddress!": "string", "useCommonAlertSchema": "bool"}
CRITERION: Shape = {
    "query!": "string",
    "timeAggregation!": "Average | Count | Maximum | Minimum | Total",
    "metricMeasureColumn": "string",
    "resourceIdColumn": "string",
    "operator!": "Equals | GreaterThan | GreaterThanOrEqual | LessThan | LessThanOrEqual",
    "threshold!": "int",
    "dimensions": [{"name!": "string", "operator!": "Include | Exclude", "values!": "string[]"}],
    "failingPeriods": {"numberOfEvaluationPeriods": "int", "minFailingPeriodsToAlert": "int"},
}

SHAPES: dict[str, tuple[str, Shape]] = {
    "Microsoft.Insights/actionGroups": (
        "2023-01-01",
        {**TRACKED, "properties": {"enabled!": "bool", "groupShortName!": "string", "emailReceivers": [EMAIL]}},
    ),
    "Microsoft.Insights/scheduledQueryRules": (
        "2023-12-01",
        {
            **TRACKED,
            "kind": "LogAlert",
            "properties!": {
                "displayName": "string",
                "description": "string",
                "enabled": "bool",
                "severity": "int",
                "scopes!": "string[]",
                "evaluationFrequency": "string",
                "windowSize": "string",
                "overrideQueryTimeRange": "string",
                "muteActionsDuration": "string",
                "autoMitigate": "bool",
                "skipQueryValidation": "bool",
                "checkWorkspaceAlertsStorageConfigured": "bool",
                "criteria!": {"allOf!": [CRITERION]},
                "actions": {"actionGroups": "string[]", "customProperties": "any"},
            },
        },
    ),
    "Microsoft.Insights/diagnosticSettings": (
        "2021-05-01-preview",
        {
            "name!": "string",
            "properties!": {
                "workspaceId": "string",
                "logs": [{"category": "string", "categoryGroup": "audit | allLogs", "enabled!": "bool"}],
                "metrics": [{"category": "string", "enabled!": "bool"}],
            },
        },
    ),
    "Microsoft.Network/privateDnsZones": ("2024-06-01", {**TRACKED, "location!": "global"}),
    "Microsoft.Network/privateDnsZones/A": (
        "2024-06-01",
        {"name!": "string", "properties!": {"ttl!": "int", "aRecords!": [{"ipv4Address!": "string"}]}},
    ),
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": (
        "2024-06-01",
        {
            **TRACKED,
            "location!": "global",
            "properties!": {"registrationEnabled!": "bool", "virtualNetwork!": {"id!": "string"}},
        },
    ),
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups": (
        "2024-07-01",
        {
            "name!": "string",
            "properties!": {
                "privateDnsZoneConfigs!": [{"name!": "string", "properties!": {"privateDnsZoneId!": "string"}}]
            },
        },
    ),
    "Microsoft.Network/virtualNetworks/subnets": ("2024-07-01", {"name!": "string"}),
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": (
        "2024-11-01",
        {"name!": "ftp | scm", "properties!": {"allow!": "bool"}},
    ),
}


def as_records(kind: str) -> tuple[str, dict[str, Any]]:
    """The version of a type and its records as Microsoft's files have them; the body under the name ``."""
    version, shape = SHAPES[kind]
    records: dict[str, Any] = {}
    _record("", shape, records)
    return version, records


def _record(name: str, shape: Shape, records: dict[str, Any]) -> str:
    fields = [
        {
            "name": field.removesuffix("!"),
            "type": _type(f"{name}/{field.removesuffix('!')}", given, records),
            "flags": "Required" if field.endswith("!") else "",
        }
        for field, given in shape.items()
    ]
    records[name] = {"$type": "Object", "name": name, "properties": fields}
    return name


def _type(name: str, given: Any, records: dict[str, Any]) -> str:
    if isinstance(given, list):
        return _record(name, given[0], records) + "[]"
    return _record(name, given, records) if isinstance(given, dict) else str(given)
