using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Api.Tests.Admin;

public sealed class HostedAppTests(AdminServer server)
{
    /// <summary>An app, with so many random bytes.</summary>
    public static byte[] Ipa(string bundleId, int padding = 100, string more = "", string path = "Payload/Example.app/Info.plist")
    {
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            using (var random = zip.CreateEntry("Payload/Example.app/Example", CompressionLevel.NoCompression).Open()) random.Write(RandomNumberGenerator.GetBytes(padding));
            using var info = zip.CreateEntry(path).Open();
            info.Write(Encoding.UTF8.GetBytes(
                $"<plist version=\"1.0\"><dict><key>CFBundleIdentifier</key><string>{bundleId}</string><key>CFBundleVersion</key><string>42</string>" +
                $"<key>CFBundleShortVersionString</key><string>1.2</string><key>CFBundleDisplayName</key><string>Example &amp; Co</string><key>MinimumOSVersion</key><string>16.0</string>{more}</dict></plist>"));
        }

        return stream.ToArray();
    }

    public static ByteArrayContent Body(byte[] file) => new(file) { Headers = { ContentType = new MediaTypeHeaderValue("application/octet-stream") } };

    private async Task<JsonObject> Upload(byte[] file, int status = 201)
    {
        using var response = await server.Admin.PostAsync("/api/v1/apps", Body(file));
        return await AdminServer.Body(response, status);
    }

    [Fact]
    public async Task An_app_is_read_described_by_a_manifest_and_downloaded_without_credentials_also_in_parts()
    {
        var file = Ipa("org.example.timetable", padding: 11 * 1024 * 1024);
        var app = await Upload(file);
        Assert.Equal(("org.example.timetable", "Example & Co", "42", "1.2", "16.0", (long)file.Length),
            ((string?)app["bundleId"], (string?)app["name"], (string?)app["version"], (string?)app["shortVersion"], (string?)app["minimumOs"], (long)app["size"]!));
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(file)), (string?)app["sha256"]);

        using var stranger = server.Client();
        var manifestUrl = new Uri((string)app["manifestUrl"]!);
        Assert.Equal("mdm.test", manifestUrl.Host);
        var manifest = PlistReader.ReadDictionary(await stranger.GetByteArrayAsync(manifestUrl.AbsolutePath), PlistLimits.Admin);
        var item = (PlistDictionary)manifest.GetArray("items")![0];
        Assert.Equal(("org.example.timetable", "42", "software", "Example & Co"), item.GetDictionary("metadata") is { } metadata
            ? (metadata.GetString("bundle-identifier"), metadata.GetString("bundle-version"), metadata.GetString("kind"), metadata.GetString("title")) : default);
        var asset = (PlistDictionary)item.GetArray("assets")![0];
        Assert.Equal("software-package", asset.GetString("kind"));
        var path = new Uri(asset.GetString("url")!).AbsolutePath;

        Assert.Equal(file, await stranger.GetByteArrayAsync(path));
        var (size, sums) = ((int)asset.GetInteger("sha256-size")!, asset.GetArray("sha256s")!.OfType<PlistString>().Select(sum => sum.Value));
        Assert.Equal(file.Chunk(size).Select(part => Convert.ToHexStringLower(SHA256.HashData(part))), sums);
        using var range = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { Range = new RangeHeaderValue(1_048_570, 1_048_590) } };
        using var part = await stranger.SendAsync(range);
        Assert.Equal(HttpStatusCode.PartialContent, part.StatusCode);
        Assert.Equal(file[1_048_570..1_048_591], await part.Content.ReadAsByteArrayAsync());

        foreach (var wrong in new[] { path.Replace("/app/", "/app/x", StringComparison.Ordinal), "/app/AAAA/app.ipa", $"/app/{new string('A', 43)}/app.ipa", $"/app/{new string('A', 43)}/manifest.plist" })
        {
            using var none = await stranger.GetAsync(wrong);
            Assert.Equal(HttpStatusCode.NotFound, none.StatusCode);
        }
    }

    [Fact]
    public async Task An_app_is_installed_by_its_id_and_stays_while_a_command_waits()
    {
        var app = await Upload(Ipa("org.example.waits"));
        var pad = await server.Enrol();
        var uuid = await pad.Send($$"""{"requestType": "InstallApplication", "hostedApp": "{{app["id"]}}", "managementFlags": 1}""");
        using var early = await server.Admin.DeleteAsync($"/api/v1/apps/{app["id"]}");
        Assert.Equal("app-in-use", (string?)(await AdminServer.Problem(early, 409))["code"]);
        Assert.Contains($"<key>ManifestURL</key><string>{app["manifestUrl"]}</string>", Encoding.UTF8.GetString((await pad.Idle()).Body!), StringComparison.Ordinal);
        await pad.Answer(uuid);
        using var deleted = await server.Admin.DeleteAsync($"/api/v1/apps/{app["id"]}");
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        using var gone = await server.Client().GetAsync(new Uri((string)app["manifestUrl"]!).AbsolutePath);
        Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);

        using var none = await server.Admin.PostAsync($"{pad.Path}/commands", AdminServer.Json($$"""{"requestType": "InstallApplication", "hostedApp": "{{app["id"]}}"}"""));
        await AdminServer.Blames(none, "hostedApp");
        using var many = await server.Admin.PostAsync("/api/v1/operations", AdminServer.Json($$"""{"target": {"ids": ["{{pad.Id}}"]}, "command": {"requestType": "InstallApplication", "hostedApp": "x"} }"""));
        await AdminServer.Blames(many, "command.hostedApp");
    }

    [Fact]
    public async Task An_app_of_this_server_is_chosen_in_the_form_for_one_iPad_and_for_many()
    {
        var app = await Upload(Ipa("org.example.chosen"));
        var pad = await server.Enrol();
        foreach (var form in new[] { $"/ipads/{pad.Id}/command/InstallApplication", $"/operations/new?selected=true&id={pad.Id}&type=InstallApplication" })
            Assert.Contains($"<option value=\"{app["id"]}\"", await server.Admin.GetStringAsync(form), StringComparison.Ordinal);
        Assert.DoesNotContain("name=\"hostedApp\"", await server.Admin.GetStringAsync($"/ipads/{pad.Id}/command/DeviceLock"), StringComparison.Ordinal);
        async Task<HttpResponseMessage> Post(string path, params (string Name, string Value)[] fields)
        {
            using var content = new MultipartFormDataContent();
            foreach (var (name, value) in fields) content.Add(new StringContent(value), name);
            return await server.Admin.PostAsync(path, content);
        }

        var command = $"/ipads/{pad.Id}/command/InstallApplication";
        using var both = await Post(command, ("hostedApp", (string)app["id"]!), ("manifestURL", "https://example.org/manifest.plist"));
        Assert.Equal(HttpStatusCode.BadRequest, both.StatusCode);
        var page = await both.Content.ReadAsStringAsync();
        Assert.Contains("id=\"field-hostedApp-error\"", page, StringComparison.Ordinal);
        Assert.Contains($"<option value=\"{app["id"]}\" selected", page, StringComparison.Ordinal);
        using var sent = await Post(command, ("hostedApp", (string)app["id"]!), ("manifestURL", ""), ("managementFlags", "1"));
        Assert.Equal(HttpStatusCode.SeeOther, sent.StatusCode);
        Assert.Contains($"<key>ManifestURL</key><string>{app["manifestUrl"]}</string>", Encoding.UTF8.GetString((await pad.Idle()).Body!), StringComparison.Ordinal);
        // It is in use now, as if it had come by REST.
        using var early = await server.Admin.DeleteAsync($"/api/v1/apps/{app["id"]}");
        await AdminServer.Problem(early, 409);
        using var many = await Post("/operations", ("type", "InstallApplication"), ("ids", pad.Id), ("hostedApp", (string)app["id"]!));
        Assert.Equal(HttpStatusCode.OK, many.StatusCode);
        Assert.Contains("name=\"confirmation\"", await many.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    /// <summary>As far as anybody looks at it.</summary>
    private static byte[] Png(int width, int height, bool packed = false) =>
    [
        0x89, .. "PNG\r\n"u8, 0x1A, 0x0A, .. packed ? (byte[])[0, 0, 0, 4, .. "CgBI"u8, 0x50, 0, 0x20, 2, 1, 2, 3, 4] : [], 0, 0, 0, 13, .. "IHDR"u8,
        0, 0, (byte)(width >> 8), (byte)width, 0, 0, (byte)(height >> 8), (byte)height, 8, 6, 0, 0, 0, 1, 2, 3, 4,
    ];

    private static byte[] With(byte[] ipa, params (string Path, byte[] Content)[] files)
    {
        using var stream = new MemoryStream();
        stream.Write(ipa);
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Update, leaveOpen: true))
        {
            foreach (var (path, content) in files)
            {
                using var entry = zip.CreateEntry(path).Open();
                entry.Write(content);
            }
        }

        return stream.ToArray();
    }

    private async Task<(PlistArray Assets, string Folder)> Manifest(JsonObject app)
    {
        using var stranger = server.Client();
        var path = new Uri((string)app["manifestUrl"]!).AbsolutePath;
        var manifest = PlistReader.ReadDictionary(await stranger.GetByteArrayAsync(path), PlistLimits.Admin);
        return (((PlistDictionary)manifest.GetArray("items")![0]).GetArray("assets")!, path[..^"manifest.plist".Length]);
    }

    [Fact]
    public async Task A_manifest_has_MD5_sums_too_and_the_largest_icon_that_anybody_can_show()
    {
        const string Icons = "<key>CFBundleIcons</key><dict><key>CFBundlePrimaryIcon</key><dict><key>CFBundleIconFiles</key><array><string>AppIcon60x60</string></array></dict></dict>";
        var file = With(Ipa("org.example.icon", padding: 11 * 1024 * 1024, more: Icons),
            ("Payload/Example.app/AppIcon60x60@2x.png", Png(120, 120)), ("Payload/Example.app/AppIcon60x60@3x~ipad.png", Png(180, 180, packed: true)),
            ("Payload/Example.app/Other.png", Png(512, 512)), ("Payload/Example.app/AppIcon60x60.png", Png(60, 60)), ("iTunesArtwork", Png(512, 300)));
        var (assets, folder) = await Manifest(await Upload(file));
        var package = (PlistDictionary)assets[0];
        Assert.Equal(package.GetInteger("sha256-size"), package.GetInteger("md5-size"));
#pragma warning disable CA5351 // Apple's manifest has it.
        Assert.Equal(file.Chunk((int)package.GetInteger("md5-size")!).Select(part => Convert.ToHexStringLower(MD5.HashData(part))), package.GetArray("md5s")!.OfType<PlistString>().Select(sum => sum.Value));
#pragma warning restore CA5351
        Assert.Equal(["software-package", "display-image", "full-size-image"], assets.Cast<PlistDictionary>().Select(asset => asset.GetString("kind")));
        foreach (var picture in assets.Cast<PlistDictionary>().Skip(1))
        {
            Assert.Equal(folder + "icon.png", new Uri(picture.GetString("url")!).AbsolutePath);
            using var answer = await server.Client().GetAsync(folder + "icon.png");
            Assert.Equal("image/png", answer.Content.Headers.ContentType?.MediaType);
            Assert.Equal(Png(120, 120), await answer.Content.ReadAsByteArrayAsync());
        }
    }

    [Fact]
    public async Task An_app_without_such_an_icon_has_none_in_its_manifest()
    {
        var (assets, folder) = await Manifest(await Upload(With(Ipa("org.example.plain"), ("iTunesArtwork", Png(512, 512, packed: true)))));
        Assert.Single(assets);
        using var answer = await server.Client().GetAsync(folder + "icon.png");
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    [Fact]
    public async Task The_same_file_again_is_the_same_app()
    {
        var file = Ipa("org.example.twice");
        var first = await Upload(file);
        var second = await Upload(file, 200);
        Assert.Equal((string?)first["id"], (string?)second["id"]);
        using var list = await server.Admin.GetAsync("/api/v1/apps");
        Assert.Single((await AdminServer.Body(list, 200))["items"]!.AsArray(), app => (string?)app!["bundleId"] == "org.example.twice");
    }

    public static TheoryData<string, byte[]> NoApps => new()
    {
        { "no ZIP archive", "hello"u8.ToArray() }, { "Info.plist", Ipa("a", path: "Other/Info.plist") }, { "not for iPads", Ipa("a", more: "<key>UIDeviceFamily</key><array><integer>1</integer></array>") },
        { "cannot be read", Ipa("a</string><string>") }, { "CFBundleIdentifier", Ipa(" ") }, { "ZIP", Ipa("a")[..^30] },
    };

    [Theory]
    [MemberData(nameof(NoApps))]
    public async Task What_is_no_app_for_iPads_is_refused_with_the_reason(string reason, byte[] file)
    {
        using var response = await server.Admin.PostAsync("/api/v1/apps", Body(file));
        var problem = await AdminServer.Problem(response, 422);
        Assert.Equal("invalid-app", (string?)problem["code"]);
        Assert.Contains(reason, (string?)problem["detail"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_viewer_sees_apps_but_no_address_and_changes_nothing()
    {
        var app = await Upload(Ipa("org.example.viewer"));
        using var viewer = server.Client((await server.MakeToken("viewer")).Token);
        using var one = await viewer.GetAsync($"/api/v1/apps/{app["id"]}");
        Assert.Null((string?)(await AdminServer.Body(one, 200))["manifestUrl"]);
        using var upload = await viewer.PostAsync("/api/v1/apps", Body(Ipa("a")));
        Assert.Equal(HttpStatusCode.Forbidden, upload.StatusCode);
        Assert.DoesNotContain("/app/", await viewer.GetStringAsync("/hosted-apps"), StringComparison.Ordinal);
        Assert.Contains("org.example.viewer", await server.Admin.GetStringAsync("/hosted-apps"), StringComparison.Ordinal);
        using var empty = await server.Admin.PostAsync("/api/v1/apps", Body([]));
        await AdminServer.Blames(empty, "file");
        using var json = await server.Admin.PostAsync("/api/v1/apps", AdminServer.Json("{}"));
        await AdminServer.Problem(json, 415);
    }
}
