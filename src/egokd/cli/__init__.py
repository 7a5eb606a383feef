"""The command `egokd`: one thin module per subcommand."""
