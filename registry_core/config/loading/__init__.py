"""Turn pipeline files into validated models: extends, vars, --set, component names, and messages for mistakes."""
