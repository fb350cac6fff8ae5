"""From the text of pipeline files to validated models: extends, vars, --set, names, and sentences for what is wrong."""
