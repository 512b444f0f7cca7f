"""What an operator sees from outside: one record a run, one of the queue and the services a tick, one trace."""
