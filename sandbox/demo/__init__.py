"""The main job, shown: a coffee roaster bills five customers for four months."""
