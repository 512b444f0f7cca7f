// Alerts on what the retrainer logs: one rule a query, one alert a run. A rule costs about half a dollar a month.
param location string
param tags object
param token string
param insightsId string
param actionGroupId string

// Severity: 1 act now, 2 act today, 3 look at it, 4 for information.
var rules = [
  {
    name: 'failed-run'
    title: 'A run has failed'
    severity: 2
    query: loadTextContent('queries/failed-run.kql')
    window: 'PT1H'
    every: 'PT15M'
  }
  {
    name: 'held-file'
    title: 'Days of a file wait for a person'
    severity: 3
    query: loadTextContent('queries/held-file.kql')
    window: 'PT1H'
    every: 'PT15M'
  }
  {
    name: 'approval'
    title: 'A better model waits until a person approves it'
    severity: 3
    query: loadTextContent('queries/approval.kql')
    window: 'PT1H'
    every: 'PT15M'
  }
  {
    name: 'trouble'
    title: 'A request has been in trouble for more than an hour'
    severity: 2
    query: loadTextContent('queries/trouble.kql')
    window: 'PT2H'
    every: 'PT15M'
  }
  {
    name: 'no-run'
    title: 'No run has ended in 26 hours'
    severity: 1
    query: loadTextContent('queries/no-run.kql')
    // The query looks at 26 hours; a window of that length cannot be set.
    window: 'P2D'
    every: 'PT1H'
  }
  {
    name: 'poison-queue'
    title: 'The platform has given up an event'
    severity: 2
    query: loadTextContent('queries/poison-queue.kql')
    window: 'PT1H'
    every: 'PT15M'
  }
  {
    name: 'poor-champion'
    title: 'The champion forecasts badly'
    severity: 3
    query: loadTextContent('queries/poor-champion.kql')
    window: 'PT1H'
    every: 'PT15M'
  }
  {
    name: 'drift'
    title: 'The data have changed, or the forecast is stale'
    severity: 3
    query: loadTextContent('queries/drift.kql')
    window: 'PT1H'
    every: 'PT15M'
  }
  {
    name: 'forecast-errors'
    title: 'The forecast route cannot be answered'
    severity: 1
    query: loadTextContent('queries/forecast-errors.kql')
    window: 'PT15M'
    every: 'PT5M'
  }
  {
    name: 'silent-champion'
    title: 'The service of the champion does not answer'
    severity: 1
    query: loadTextContent('queries/silent-champion.kql')
    window: 'PT1H'
    every: 'PT15M'
  }
  {
    name: 'promotion'
    title: 'Another version answers'
    severity: 4
    query: loadTextContent('queries/promotion.kql')
    window: 'PT1H'
    every: 'PT15M'
  }
]

resource alerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for rule in rules: {
    name: 'alert-${rule.name}-${token}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: 'retrain: ${rule.title}'
      description: '${rule.title}. What to do: docs/observability.md'
      severity: rule.severity
      enabled: true
      scopes: [insightsId]
      evaluationFrequency: rule.every
      windowSize: rule.window
      // The window is longer than the time between two looks, because logs arrive late; an alert is told once, and
      // ends when its window is empty. The tables exist after the first deployment only.
      autoMitigate: true
      skipQueryValidation: true
      criteria: {
        allOf: [
          {
            query: rule.query
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            dimensions: [
              { name: 'run_id', operator: 'Include', values: ['*'] }
              { name: 'reason', operator: 'Include', values: ['*'] }
            ]
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      actions: { actionGroups: [actionGroupId] }
    }
  }
]
