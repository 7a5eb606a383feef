"""Generated worlds in official layouts: demonstrations of the method, not data about real videos."""
