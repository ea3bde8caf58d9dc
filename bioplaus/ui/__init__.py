"""Pages to play with: networks that learn while one watches, and several patterns recalled at once (``bioplaus ui``)."""
