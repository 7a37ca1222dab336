"""Which figures a report has, what is in each of them, and what its caption says. `study.draw_all` draws them all."""
