// Package lint holds the project to those of its rules that a compiler cannot
// know: packages import only what stands below them, and what is for programs
// elsewhere only what such a program should link; time is asked for in one
// place, nothing logs through a global, every package says what it is. Its test
// runs the checks over the whole module.
//
// It reads source files and nothing else, and starts no goroutine.
package lint
