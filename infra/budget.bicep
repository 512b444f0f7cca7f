// Mail at 50, 80 and 100 % of the monthly budget; nothing is switched off.
param amount int
param start string
param address string

resource budget 'Microsoft.Consumption/budgets@2024-08-01' = {
  name: 'retrain'
  properties: {
    amount: amount
    category: 'Cost'
    timeGrain: 'Monthly'
    timePeriod: { startDate: start }
    notifications: toObject(
      [50, 80, 100],
      percent => 'at${percent}',
      percent => {
        enabled: true
        operator: 'GreaterThanOrEqualTo'
        threshold: percent
        thresholdType: 'Actual'
        contactEmails: [address]
      }
    )
  }
}
