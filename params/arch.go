//go:build !(amd64 || arm64 || riscv64 || ppc64 || ppc64le || s390x || loong64 || mips64 || mips64le)

package params

// Sizes, offsets and amounts are kept in int throughout, and the block index
// alone outgrows what a 32-bit process can address. The name below does not
// exist: it is the message that a build for such a target ends with.
const _ = starling_needs_a_64_bit_target
