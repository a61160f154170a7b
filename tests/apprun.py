"""Running a page as the server builds it, without a browser."""


def run(app):
    """Run the page; anything raised and not shown as a message fails here."""
    app.run()
    assert not app.exception, [error.value for error in app.exception]
    return app


def widget(kind, label):
    """The one of a kind of widgets with a label."""
    return next(one for one in kind if one.label == label)
