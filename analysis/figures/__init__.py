"""Drawing, in one style, from data that is ready to draw: a file for each kind of figure. Nothing here computes
statistics or reads MLflow; what a figure needs of them are columns of its data frames."""
