using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Api.Tests.CheckIn;

/// <summary>Every command of iPadOS, from an administrator's JSON to the bytes that an iPad is sent.</summary>
public sealed class EveryCommandTests(AdministeredOnSqlite server) : IClassFixture<AdministeredOnSqlite>
{
    private const string Profile = """
        <plist version="1.0"><dict><key>PayloadType</key><string>Configuration</string><key>PayloadVersion</key><integer>1</integer>
        <key>PayloadIdentifier</key><string>org.example.wifi</string><key>PayloadUUID</key><string>6D6A0B43-62C5-4B3A-9C53-2E2F6F1C1234</string>
        <key>PayloadContent</key><array/></dict></plist>
        """;

    /// <summary>Of these a command has one.</summary>
    private static readonly string[] Alternatives = ["Identifier", "ManifestURL", "MediaURL"];

    [Fact]
    public async Task Each_reaches_the_iPad_as_it_was_meant()
    {
        var pad = await server.Enrol();
        var types = (await server.Get("/api/v1/command-types"))["items"]!.AsArray().Select(type => (string)type!["requestType"]!).ToList();
        Assert.Equal(51, types.Count);
        Assert.Contains("TriggerEnhancedLogCollection", types);
        Assert.Contains("CancelEnhancedLogCollection", types);

        foreach (var type in types)
        {
            var keys = CommandCatalogue.KeysOf(AppleCatalogue.Instance.Commands[type]).Where(key => type is not ("InstallApplication" or "InstallMedia") || !Alternatives.Contains(key.Name)).ToList();
            // Settings: each of its items.
            foreach (var item in keys is [{ Name: "Settings" } settings] ? settings.Item!.Variants.ToArray() : [null!])
            {
                var (json, plist) = item is null ? Example(type, keys) : Around(Example(type, item.Keys));
                // Whatever is known of this iPad.
                var command = new JsonObject { ["requestType"] = type, ["force"] = true };
                foreach (var (name, value) in json) command[name] = value!.DeepClone();
                var uuid = await pad.Send(command);

                var sent = await server.Put("/mdm/connect", Encoding.UTF8.GetBytes(Message.Report(pad.Udid, "Idle")), pad.Certificate);
                var message = PlistReader.ReadDictionary(Encoding.UTF8.GetBytes(sent.Body), PlistLimits.Admin);
                var meant = new PlistDictionary { ["RequestType"] = type };
                foreach (var (name, value) in plist) meant[name] = value;
                var came = message.GetDictionary("Command")!;
                Assert.Equal(uuid, message.GetString("CommandUUID"));
                // The tokens of the iPad's declarations come from the server.
                if (type == "DeclarativeManagement")
                {
                    Assert.Contains("SyncTokens", Encoding.UTF8.GetString(came.GetData("Data")!), StringComparison.Ordinal);
                    came.Remove("Data");
                }

                Assert.Equal(Written(meant), Written(came));
                // So that nothing of it happens.
                Assert.Null(await pad.Report("Error", uuid));
            }
        }
    }

    private static string Written(PlistDictionary dictionary) => Encoding.UTF8.GetString(PlistWriter.ToFragment(dictionary));

    private static (JsonObject, PlistDictionary) Around((JsonObject Json, PlistDictionary Plist) item) =>
        (new JsonObject { ["settings"] = new JsonArray(item.Json) }, new PlistDictionary { ["Settings"] = new PlistArray { item.Plist } });

    /// <summary>The same as an administrator writes it, and as Apple means it.</summary>
    private static (JsonObject Json, PlistDictionary Plist) Example(string type, IEnumerable<CatalogueKey> keys)
    {
        var (json, plist) = (new JsonObject(), new PlistDictionary());
        foreach (var key in keys)
        {
            var (written, meant) = Example(type, key);
            json[key.JsonName] = written;
            plist[key.Name] = meant;
        }

        return (json, plist);
    }

    private static (JsonNode, PlistNode) Example(string type, CatalogueKey key)
    {
        if (key.Values is [PlistString text, ..]) return (text.Value, text.Value);
        if (key.Values is [PlistInteger number, ..]) return ((long)number.Value, (long)number.Value);
        switch (key.Type)
        {
            case KeyType.String:
                var example = key.Choices.Count > 0 ? key.Choices[0].Name : key.Format is null ? "example" : "7D3C1B0A-52E5-4B8E-9C61-0F2A4D5E6B7C";
                return (example, example);
            case KeyType.Integer:
                return ((long)(key.Min ?? 1), (long)(key.Min ?? 1));
            case KeyType.Real:
                return (1.5, new PlistReal(1.5));
            case KeyType.Boolean:
                return (true, true);
            case KeyType.Date:
                return ("2027-02-01T08:30:00Z", new DateTimeOffset(2027, 2, 1, 8, 30, 0, TimeSpan.Zero));
            case KeyType.Data:
                var data = key.Name is "WiFiProfileData" or "MDMProfileData" || (type, key.Name) is ("InstallProfile", "Payload") ? Encoding.UTF8.GetBytes(Profile) : [1, 2, 3];
                return (Convert.ToBase64String(data), data);
            case KeyType.Array:
                var (written, meant) = key.Item is { } item ? Example(type, item) : ("item", "item");
                return (new JsonArray(written), new PlistArray { meant });
            case KeyType.Dictionary when key.Any is null && key.Keys.Count > 0:
                return Example(type, key.Keys);
            default:
                return (new JsonObject { ["someKey"] = "value" }, new PlistDictionary { ["someKey"] = "value" });
        }
    }
}
