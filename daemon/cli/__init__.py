"""The command line: a module per noun, a function per verb. ``app.py`` lists the words, ``verbs.py`` says how to add one."""
