"""The command `egokd`: its subcommands, each in a module of its own that is imported when it runs.

So `egokd --help` takes no longer than it must: PyTorch is loaded by the subcommands that need it.
"""

import typer

from egokd import runtime
from egokd.cli import describe, export, import_weights, init, predict, workflow

app = typer.Typer(
    name="egokd",
    help="Action recognition in first-person video, distilled from many modalities into one RGB net.",
    epilog="The workflow itself is plain Snakemake: [bold]egokd run[/] prints the command that it runs.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
USE, MAKE = "Use a trained model", "Make one"

app.command("predict", rich_help_panel=USE)(predict.predict)
app.command("export", rich_help_panel=USE)(export.export)
app.command("describe", rich_help_panel=USE)(describe.describe)
app.command("init", rich_help_panel=MAKE)(init.init)
app.command("check", rich_help_panel=MAKE)(workflow.check)
app.command("run", rich_help_panel=MAKE, context_settings=workflow.PASS_ON)(workflow.run)
app.command("import", rich_help_panel=MAKE, context_settings=import_weights.PASS_ON, add_help_option=False)(
    import_weights.import_weights
)


def main() -> None:
    """Run the command; a UserError becomes one sentence and exit code 1."""
    runtime.run(app)
