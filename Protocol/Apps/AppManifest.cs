using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Apps;

/// <summary>The property list that an iPad fetches before an in-house app: where it is, and how to check it.
/// <see href="https://developer.apple.com/documentation/devicemanagement/manifesturl"/></summary>
public static class AppManifest
{
    /// <param name="app">What it is.</param>
    /// <param name="package">Where the .ipa file is; https.</param>
    /// <param name="partSize">Bytes of each part but the last.</param>
    /// <param name="sha256">Of each part, in hexadecimal.</param>
    /// <param name="md5">The same, for iPads that do not know the other; null: it is not known.</param>
    /// <param name="icon">Where its icon is, as PNG; null: nowhere.</param>
    public static byte[] Build(AppPackage app, Uri package, int partSize, IReadOnlyList<string> sha256, IReadOnlyList<string>? md5 = null, Uri? icon = null)
    {
        var file = new PlistDictionary
        {
            ["kind"] = "software-package",
            ["sha256-size"] = partSize,
            ["sha256s"] = PlistArray.OfStrings(sha256),
            ["url"] = package.AbsoluteUri,
        };
        if (md5 is not null)
        {
            file["md5-size"] = partSize;
            file["md5s"] = PlistArray.OfStrings(md5);
        }

        var assets = new PlistArray { file };
        if (icon is not null)
        {
            // One picture for both sizes: the iPad scales it.
            foreach (var kind in new[] { "display-image", "full-size-image" })
                assets.Add(new PlistDictionary { ["kind"] = kind, ["needs-shine"] = false, ["url"] = icon.AbsoluteUri });
        }

        return PlistWriter.ToBytes(new PlistDictionary
        {
            ["items"] = new PlistArray
            {
                new PlistDictionary
                {
                    ["assets"] = assets,
                    ["metadata"] = new PlistDictionary
                    {
                        ["bundle-identifier"] = app.BundleId,
                        ["bundle-version"] = app.Version,
                        ["kind"] = "software",
                        ["title"] = app.Name,
                    },
                },
            },
        });
    }
}
