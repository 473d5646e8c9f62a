// Package settings says which settings a node has, checks what was given, and
// turns it into the settings of the node's parts: a setting and what becomes of
// it stand in the one file of its subject. How sources lie over each other is
// left to package layered.
//
// It reads files and variables when [Load] is called, and never later. It
// starts no goroutine, and opens nothing.
package settings
