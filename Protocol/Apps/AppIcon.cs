using System.Buffers.Binary;
using System.IO.Compression;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Apps;

/// <summary>The icon of an app, where its archive has one that anybody can show.</summary>
/// <remarks>Xcode packs most icons in a form of Apple's own, which begins with a chunk CgBI: nothing but Apple's software reads those, and they are left out. No picture is
/// decoded here; only the first bytes are looked at.</remarks>
internal static class AppIcon
{
    /// <summary>It travels in front of each installation.</summary>
    private const int Largest = 256 * 1024;

    /// <summary>Pixels of a side.</summary>
    private const int MostPixels = 1024;

    /// <summary>An archive has a dozen.</summary>
    private const int MostCandidates = 32;

    private const int HeaderLength = 24;

    private static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13, (byte)'I', (byte)'H', (byte)'D', (byte)'R'];

    /// <param name="folder">Of the app in the archive, with the slash at its end.</param>
    /// <returns>The largest that will do; null: there is none.</returns>
    public static byte[]? Find(ZipArchive archive, string folder, PlistDictionary info)
    {
        var names = Names(info).ToList();
        byte[]? best = null;
        foreach (var entry in archive.Entries.Where(entry => IsCandidate(entry.FullName, folder, names)).Take(MostCandidates))
        {
            if (Read(entry) is { } picture && (best is null || SideOf(picture) > SideOf(best)))
                best = picture;
        }

        return best;
    }

    /// <summary>The side of a plain PNG that is a square; 0: it is none.</summary>
    internal static int SideOf(ReadOnlySpan<byte> picture)
    {
        if (picture.Length < HeaderLength || !picture.StartsWith(Signature))
            return 0;
        var (width, height) = (BinaryPrimitives.ReadInt32BigEndian(picture[16..]), BinaryPrimitives.ReadInt32BigEndian(picture[20..]));
        return width == height && width is > 0 and <= MostPixels ? width : 0;
    }

    private static bool IsCandidate(string path, string folder, List<string> names) =>
        path is "iTunesArtwork" or "iTunesArtwork@2x"
        || (path.StartsWith(folder, StringComparison.Ordinal) && path[folder.Length..] is var name && name.EndsWith(".png", StringComparison.OrdinalIgnoreCase)
            && names.Any(icon => name.StartsWith(icon, StringComparison.Ordinal)));

    private static IEnumerable<string> Names(PlistDictionary info)
    {
        var lists = new[] { "CFBundleIcons", "CFBundleIcons~ipad" }.Select(key => info.GetDictionary(key)?.GetDictionary("CFBundlePrimaryIcon")?.GetArray("CFBundleIconFiles")).Append(info.GetArray("CFBundleIconFiles"));
        return lists.OfType<PlistArray>().SelectMany(list => list).OfType<PlistString>().Select(name => name.Value).Where(name => name.Length > 0);
    }

    /// <summary>What the archive says of the length is not believed.</summary>
    private static byte[]? Read(ZipArchiveEntry entry)
    {
        using var stream = entry.Open();
        var bytes = new byte[Largest + 1];
        var length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return length <= Largest && SideOf(bytes.AsSpan(0, length)) > 0 ? bytes[..length] : null;
    }
}
