"""For those who use nbgrader: `nbgrader generate_assignment NAME` in this folder. The course needs none of it."""

c = get_config()  # noqa: F821 - nbgrader's
c.CourseDirectory.course_id = "bert"
c.ClearSolutions.code_stub = {"python": "# your code here\n..."}
c.ClearSolutions.text_stub = "*Your answer here.*"
