"""Running trained nets, metrics, tables and figures."""
