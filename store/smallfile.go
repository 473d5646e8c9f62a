package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A small file is a 16-byte header and the data:
//
//	4 bytes  "SFIL"
//	2 bytes  version of what is inside, little-endian
//	2 bytes  zero
//	4 bytes  length of the data, little-endian
//	4 bytes  CRC32C over the 12 bytes before and the data, little-endian
const (
	smallMagic      = "SFIL"
	smallHeaderSize = 16

	// maxSmallFile bounds what is read into memory at once. The largest such
	// file is a saved mempool, 300 MB of transactions by default.
	maxSmallFile = 1 << 30
)

// WriteFileAtomic replaces the file at path by data in one step: after a crash
// either the old or the new content is there. It is durable when it returns.
// Only the file's owner may read it.
func WriteFileAtomic(fs vfs.FS, path string, version uint16, data []byte) error {
	if len(data) > maxSmallFile {
		return fmt.Errorf("store: %s: %d bytes are too many for one file", path, len(data))
	}
	tmp := path + ".new"
	if err := WriteWhole(fs, tmp, encodeSmall(version, data)); err != nil {
		_ = fs.Remove(tmp) // give the space back; the first error counts
		return ioError(path, err)
	}
	if err := fs.Rename(tmp, path); err != nil {
		return ioError(path, err)
	}
	return SyncDir(fs, fs.PathDir(path))
}

// RemoveFile deletes a file, if it is there, so that it does not come back after
// a power cut.
func RemoveFile(fs vfs.FS, path string) error {
	if err := fs.Remove(path); isNotExist(err) {
		return nil
	} else if err != nil {
		return ioError(path, err)
	}
	return SyncDir(fs, fs.PathDir(path))
}

// WriteWhole writes a file durably, over whatever was there; only its owner may
// read it. Its name is durable after [SyncDir]. A file system may use b as it
// likes, so that it is not to be read afterwards.
func WriteWhole(fs vfs.FS, path string, b []byte) error {
	f, err := CreatePrivate(fs, path)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// ReadFileChecked returns the data of a file that [WriteFileAtomic] wrote with
// the same version. A missing file is fs.ErrNotExist, a damaged one a
// *CorruptError, another version a *VersionError.
func ReadFileChecked(fs vfs.FS, path string, version uint16) ([]byte, error) {
	// Opening a pipe would wait for who writes to it.
	st, err := fs.Stat(path)
	if err != nil {
		return nil, ioError(path, err)
	}
	if !st.Mode().IsRegular() {
		return nil, smallCorrupt(path, 0, "it is no regular file")
	}
	f, err := fs.Open(path)
	if err != nil {
		return nil, ioError(path, err)
	}
	defer f.Close()
	if st, err = f.Stat(); err != nil {
		return nil, ioError(path, err)
	}
	if st.Size() > smallHeaderSize+maxSmallFile {
		return nil, smallCorrupt(path, 0, "%d bytes long", st.Size())
	}
	b := make([]byte, st.Size())
	if _, err := io.ReadFull(f, b); err != nil {
		return nil, ioError(path, err)
	}
	have, data, err := decodeSmall(path, b)
	if err != nil {
		return nil, err
	}
	if have != version {
		return nil, &VersionError{Path: path, Have: have, Want: version}
	}
	return data, nil
}

func encodeSmall(version uint16, data []byte) []byte {
	b := make([]byte, 0, smallHeaderSize+len(data))
	b = append(b, smallMagic...)
	b = binary.LittleEndian.AppendUint16(b, version)
	b = binary.LittleEndian.AppendUint16(b, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
	sum := smallSum(b, data)
	b = binary.LittleEndian.AppendUint32(b, sum)
	return append(b, data...)
}

func decodeSmall(path string, b []byte) (version uint16, data []byte, err error) {
	if len(b) < smallHeaderSize {
		return 0, nil, smallCorrupt(path, int64(len(b)), "it ends in its header")
	}
	if string(b[:4]) != smallMagic {
		return 0, nil, smallCorrupt(path, 0, "it does not start as it should")
	}
	data = b[smallHeaderSize:]
	if n := binary.LittleEndian.Uint32(b[8:]); uint64(n) != uint64(len(data)) {
		return 0, nil, smallCorrupt(path, 8, "%d bytes of data, %d expected", len(data), n)
	}
	if binary.LittleEndian.Uint32(b[12:]) != smallSum(b[:12], data) {
		return 0, nil, smallCorrupt(path, 12, "the checksum does not match")
	}
	return binary.LittleEndian.Uint16(b[4:]), data, nil
}

func smallSum(header, data []byte) uint32 {
	t := crc32.MakeTable(crc32.Castagnoli) // returns the one shared table
	return crc32.Update(crc32.Checksum(header, t), t, data)
}

func smallCorrupt(path string, off int64, format string, args ...any) error {
	return &CorruptError{Path: path, Offset: off, What: fmt.Sprintf(format, args...), Advice: adviseSmall}
}
