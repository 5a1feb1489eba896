using System.IO.Compression;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Apps;

/// <summary>A file is no app for iPads. The message says what is wrong with it.</summary>
public sealed class AppPackageException(string message) : Exception(message);

/// <summary>What an .ipa file says of itself: a ZIP archive with <c>Payload/NAME.app/Info.plist</c> in it.</summary>
public sealed record AppPackage
{
    private const int LargestInfo = 1024 * 1024;
    private const int LongestText = 255;
    private const int IPad = 2;

    /// <summary>CFBundleIdentifier.</summary>
    public required string BundleId { get; init; }
    /// <summary>For people.</summary>
    public required string Name { get; init; }
    /// <summary>CFBundleVersion.</summary>
    public required string Version { get; init; }
    /// <summary>CFBundleShortVersionString: the one that people see.</summary>
    public string? ShortVersion { get; init; }
    public string? MinimumOs { get; init; }
    /// <summary>As PNG; null: the archive has none that anybody can show.</summary>
    public byte[]? Icon { get; init; }

    /// <param name="file">Can seek. Only its directory and one small entry are read.</param>
    /// <exception cref="AppPackageException"/>
    public static AppPackage Read(Stream file)
    {
        try
        {
            using var archive = new ZipArchive(file, ZipArchiveMode.Read, leaveOpen: true);
            var entry = archive.Entries.FirstOrDefault(one => IsInfo(one.FullName))
                ?? throw new AppPackageException("The file has no Payload/….app/Info.plist: it is no .ipa file.");
            var info = PlistReader.ReadDictionary(Bytes(entry), PlistLimits.Admin);
            return Of(info) with { Icon = AppIcon.Find(archive, entry.FullName[..^"Info.plist".Length], info) };
        }
        catch (InvalidDataException)
        {
            throw new AppPackageException("The file is no ZIP archive, or a damaged one: it is no .ipa file.");
        }
        catch (PlistFormatException e)
        {
            throw new AppPackageException($"The app's Info.plist cannot be read: {e.Message}");
        }
    }

    private static bool IsInfo(string path) =>
        path.Split('/') is ["Payload", { Length: > 4 } app, "Info.plist"] && app.EndsWith(".app", StringComparison.OrdinalIgnoreCase);

    /// <summary>What the archive says of the length is not believed.</summary>
    private static byte[] Bytes(ZipArchiveEntry entry)
    {
        using var stream = entry.Open();
        var bytes = new byte[LargestInfo + 1];
        var length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return length <= LargestInfo ? bytes[..length] : throw new AppPackageException("The app's Info.plist is larger than 1 MiB.");
    }

    private static AppPackage Of(PlistDictionary info)
    {
        if (info.GetArray("UIDeviceFamily") is { Count: > 0 } families && !families.Any(family => family is PlistInteger { Value: var value } && value == IPad))
            throw new AppPackageException("The app is not for iPads: UIDeviceFamily lacks 2.");
        var identifier = Text(info, "CFBundleIdentifier") ?? throw new AppPackageException("The app's Info.plist has no CFBundleIdentifier.");
        return new AppPackage
        {
            BundleId = identifier,
            Name = Text(info, "CFBundleDisplayName") ?? Text(info, "CFBundleName") ?? identifier,
            Version = Text(info, "CFBundleVersion") ?? throw new AppPackageException("The app's Info.plist has no CFBundleVersion."),
            ShortVersion = Text(info, "CFBundleShortVersionString"),
            MinimumOs = Text(info, "MinimumOSVersion"),
        };
    }

    private static string? Text(PlistDictionary info, string key)
    {
        var text = info.GetString(key)?.Trim();
        return text is { Length: > 0 } && !text.Any(char.IsControl) ? PlistText.Cut(text, LongestText) : null;
    }
}
