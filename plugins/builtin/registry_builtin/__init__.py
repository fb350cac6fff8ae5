"""The components that come with registry-core, registered like any third party's."""
