"""A monitor of a dated stream of headlines: an index a topic and day, charts with a known rate of false alarms, alerts.

`charts` is the statistics, on arrays alone; `stream` reads a CSV line by line; `watch` keeps the state and the log of
alerts; `scoring` says tone and topic of a headline; `dashboard` draws; `command` is `python -m bertcourse monitor`.
"""
