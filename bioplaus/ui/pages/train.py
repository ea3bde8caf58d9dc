"""Pick a rule, a network and data, move the sliders, and watch it learn: accuracy, angles, firing and weights after every epoch."""

import marimo

app = marimo.App(width="medium", app_title="bioplaus: watch a rule learn")


@app.cell
def _():
    import marimo as mo

    from bioplaus.errors import BioplausError
    from bioplaus.tables import result_table
    from bioplaus.ui.live import DATA, figures, rules_to_play_with, settings_of, train

    return BioplausError, DATA, figures, mo, result_table, rules_to_play_with, settings_of, train


@app.cell
def _(mo):
    mo.md(
        """
        # Watch a rule learn

        Pick a learning rule, a network and data, then press **Train**. Curves, angles to the gradient of backprop, firing and the weights of the
        first layer are drawn after every epoch. Next page: [patterns recalled together](/recall).
        """
    )
    return


@app.cell
def _(DATA, mo, rules_to_play_with):
    rule = mo.ui.dropdown(rules_to_play_with(), value="ccl", label="rule")
    data = mo.ui.dropdown(list(DATA), value="digits", label="data")
    neuron = mo.ui.dropdown(["the rule's own", "elu", "tanh", "relu", "lif", "alif"], value="the rule's own", label="neuron")
    depth = mo.ui.slider(0, 5, value=2, label="hidden layers (0: the rule's own network)", show_value=True)
    width = mo.ui.slider(8, 256, step=8, value=64, label="units in each", show_value=True)
    rate = mo.ui.slider(steps=[0.0625, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0], value=1.0, label="rate, times the recipe's", show_value=True)
    epochs = mo.ui.slider(1, 60, value=10, label="epochs", show_value=True)
    seeds = mo.ui.slider(1, 8, value=3, label="seeds", show_value=True)
    start = mo.ui.run_button(label="Train")
    mo.vstack([mo.hstack([rule, data, neuron], justify="start"), depth, width, rate, epochs, seeds, start])
    return data, depth, epochs, neuron, rate, rule, seeds, start, width


@app.cell
def _(BioplausError, data, depth, epochs, figures, mo, neuron, rate, result_table, rule, seeds, settings_of, start, train, width):
    from bioplaus.tables import as_text

    def _shown(snapshot):
        head = mo.md(f"epoch {snapshot.epoch} of {snapshot.epochs}")
        mo.output.replace(mo.vstack([head, *(mo.as_html(figure) for figure in figures(snapshot))]))
        _last.append(snapshot)

    _last: list = []
    mo.stop(not start.value, mo.md("*Nothing is running.*"))
    try:
        _own = "" if neuron.value == "the rule's own" else neuron.value
        _wanted = settings_of(
            rule.value, data.value, depth=depth.value, width=width.value, neuron=_own, rate=rate.value, epochs=epochs.value, seeds=seeds.value
        )
        _summary = train(_wanted, _shown)
    except BioplausError as _error:
        mo.output.replace(mo.callout(mo.md(f"**{rule.value} cannot run this:** {_error}"), kind="warn"))
    else:
        _text = mo.md("```text\n" + as_text(result_table(_summary)) + "\n```")
        _command = " ".join(f"{key}={value}".replace(" ", "") for key, value in _wanted.items() if key != "run.save")
        _again = mo.md(f"The same from a terminal: `bioplaus simulate {_command}`")
        mo.output.replace(mo.vstack([mo.md("**Done.**"), _text, _again, *(mo.as_html(figure) for figure in figures(_last[-1]))]))
    return


if __name__ == "__main__":
    app.run()
