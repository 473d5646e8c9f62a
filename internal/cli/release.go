package cli

// version is the release that this source leads to.
const version = "0.1.0"
