using System.ComponentModel;
using System.Runtime.InteropServices;

namespace FleetMdm.Testing;

/// <summary>A file system of its own with little room (tmpfs), which a test fills and frees again.</summary>
/// <remarks>Only root may mount. Where mounting is refused, <see cref="TryMount"/> says why, and the test has to report that.</remarks>
public sealed partial class TinyDisk : IDisposable
{
    private const int DetachWhateverIsOpen = 2;

    private readonly TemporaryFolder _folder;
    private readonly List<string> _ballast = [];

    private TinyDisk(TemporaryFolder folder) => _folder = folder;

    public string Path => _folder.Path;

    /// <summary>Null, and the reason, where this machine does not let the test mount.</summary>
    public static TinyDisk? TryMount(int megabytes, out string refusal)
    {
        var folder = new TemporaryFolder();
        refusal = "";
        if (mount("tmpfs", folder.Path, "tmpfs", 0, $"size={megabytes}m,mode=0755") == 0) return new TinyDisk(folder);
        refusal = $"This machine does not let the test mount a small disk (tmpfs): {new Win32Exception(Marshal.GetLastPInvokeError()).Message}.";
        folder.Dispose();
        return null;
    }

    /// <summary>Takes all the room that is left.</summary>
    public void Fill()
    {
        var file = System.IO.Path.Combine(Path, $"ballast-{_ballast.Count}");
        _ballast.Add(file);
        using var stream = new FileStream(file, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        // Smaller and smaller pieces, down to a page: what fits is taken.
        for (var piece = new byte[1 << 20]; piece.Length >= 4096; piece = new byte[piece.Length / 4])
        {
            try
            {
                while (true) stream.Write(piece);
            }
            catch (IOException)
            {
                // Full, for pieces of this size.
            }
        }
    }

    public void Free()
    {
        foreach (var file in _ballast) File.Delete(file);
        _ballast.Clear();
    }

    public void Dispose()
    {
        _ = umount2(_folder.Path, DetachWhateverIsOpen);
        _folder.Dispose();
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int mount(string source, string target, string type, ulong flags, string data);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int umount2(string target, int flags);
}
