"""Several patterns recalled in one state: move dilution and temperature, see the overlaps, and where they lie in the phase diagram."""

import marimo

app = marimo.App(width="medium", app_title="bioplaus: several patterns at once")


@app.cell
def _():
    import marimo as mo

    from bioplaus.errors import BioplausError
    from bioplaus.ui.recall import diagram, recalled, settings_of

    return BioplausError, diagram, mo, recalled, settings_of


@app.cell
def _(mo):
    mo.md(
        """
        # Several patterns in one state

        Patterns with blank entries leave room for each other: a Hebbian network can recall several of them at once. An overlap m/(1-d) of 1
        is perfect recall. Random patterns stand beside the equations of state; pictures do not. First page: [watch a rule learn](/).
        """
    )
    return


@app.cell
def _(mo):
    source = mo.ui.dropdown(["random patterns", "digits"], value="random patterns", label="patterns")
    cue = mo.ui.dropdown(["hierarchical", "parallel", "pure"], value="hierarchical", label="cue")
    K = mo.ui.slider(1, 5, value=3, label="K, patterns", show_value=True)
    d = mo.ui.slider(0.0, 0.95, step=0.05, value=0.3, label="d, share of blanks", show_value=True)
    T = mo.ui.slider(0.0, 1.3, step=0.05, value=0.1, label="T, temperature", show_value=True)
    N = mo.ui.slider(500, 10000, step=500, value=3000, label="N, neurons", show_value=True)
    start = mo.ui.run_button(label="Recall")
    mo.vstack([mo.hstack([source, cue], justify="start"), K, d, T, N, start])
    return K, N, T, cue, d, source, start


@app.cell
def _(K, T, d, diagram, mo):
    mo.as_html(diagram(K.value, d.value, T.value))
    return


@app.cell
def _(BioplausError, K, N, T, cue, d, mo, recalled, settings_of, source, start):
    mo.stop(not start.value, mo.md("*Press Recall.*"))
    try:
        _wanted = settings_of(source.value, K=K.value, d=d.value, T=T.value, N=N.value, start=cue.value, seed=0)
        _text, _figures = recalled(_wanted)
    except BioplausError as _error:
        _shown = mo.callout(mo.md(f"**This cannot be run:** {_error}"), kind="warn")
    else:
        _shown = mo.vstack([mo.md("**Done.**"), mo.md("```text\n" + _text + "\n```"), *(mo.as_html(figure) for figure in _figures)])
    _shown
    return


if __name__ == "__main__":
    app.run()
