using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using FleetMdm.VirtualFleet.IPads;
using FleetMdm.VirtualFleet.Plist;

namespace FleetMdm.EndToEnd.Fleet;

/// <summary>An administrator who sends commands to one iPad by REST, and reads there what came back.</summary>
internal sealed class CommandDesk(RunningServer server, VirtualIPad ipad)
{
    public VirtualIPad IPad => ipad;

    /// <summary>Sends a command, whatever is known of the iPad, and waits until the server has the answer.</summary>
    /// <param name="keys">JSON of the keys beside requestType.</param>
    /// <param name="user">Null: on the device's channel.</param>
    /// <returns>The view of the command.</returns>
    public async Task<JsonNode> SendAsync(string requestType, string keys = "{}", string status = "Acknowledged", string? user = null)
    {
        var command = JsonNode.Parse(keys)!.AsObject();
        (command["requestType"], command["force"]) = (requestType, true);
        var id = user is null ? ipad.Udid : $"{ipad.Udid}:{user}";
        var uuid = await server.Admin.SendCommandAsync(id, command);
        await RunningServer.ReportedAsync(ipad, uuid, status, user ?? "device");
        return await server.Admin.GetCommandAsync(id, uuid);
    }

    /// <summary>What the iPad answered, as JSON.</summary>
    public async Task<string> AskAsync(string requestType, string keys = "{}", string? user = null) =>
        (await SendAsync(requestType, keys, user: user))["result"]!.ToJsonString();

    /// <summary>Why the iPad did not do it, as the view of the command says it.</summary>
    public async Task<string> RefusedAsync(string requestType, string keys = "{}", string? user = null) =>
        (await SendAsync(requestType, keys, "Error", user))["error"]!.GetValue<string>();

    /// <summary>One thing that DeviceInformation tells.</summary>
    public async Task<string> FactAsync(string query) =>
        (await SendAsync("DeviceInformation", $$"""{"queries": ["{{query}}"]}"""))["result"]!["QueryResponses"]![query]?.ToJsonString() ?? "nothing";

    public Task InstallAsync(byte[] profile) => SendAsync("InstallProfile", Install(profile));

    public static string Install(byte[] profile) => $$"""{"payload": "{{Convert.ToBase64String(profile)}}"}""";

    /// <summary>A configuration profile. Each payload has a type and its own keys.</summary>
    public static byte[] Profile(string identifier, string name, params ReadOnlySpan<(string Type, PlistDict Keys)> payloads)
    {
        var content = new List<object>();
        foreach (var (type, keys) in payloads)
        {
            var payload = new PlistDict
            {
                ["PayloadType"] = type,
                ["PayloadVersion"] = 1L,
                ["PayloadIdentifier"] = $"{identifier}.{content.Count}",
                ["PayloadUUID"] = Guid.NewGuid().ToString().ToUpperInvariant(),
                ["PayloadDisplayName"] = $"{name}, part {content.Count + 1}",
            };
            foreach (var (key, value) in keys)
                payload[key] = value;
            content.Add(payload);
        }
        return PlistWriter.Write(new PlistDict
        {
            ["PayloadType"] = "Configuration",
            ["PayloadVersion"] = 1L,
            ["PayloadIdentifier"] = identifier,
            ["PayloadUUID"] = Guid.NewGuid().ToString().ToUpperInvariant(),
            ["PayloadDisplayName"] = name,
            ["PayloadContent"] = content,
        });
    }

    public static byte[] Wifi(string identifier, string name, string network) => Profile(identifier, name, ("com.apple.wifi.managed", new PlistDict
    {
        ["SSID_STR"] = network,
        ["EncryptionType"] = "WPA2",
        ["Password"] = "journey-of-wifi",
    }));

    /// <summary>What Apple's portal gives for an in-house app: a property list in a signature.</summary>
    public static byte[] ProvisioningProfile(string uuid)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = TimeProvider.System.GetUtcNow();
        using var signer = new CertificateRequest("CN=Portal", key, HashAlgorithmName.SHA256).CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        var cms = new SignedCms(new ContentInfo(PlistWriter.Write(new PlistDict
        {
            ["Name"] = "Timetable",
            ["UUID"] = uuid,
            ["ExpirationDate"] = new DateTimeOffset(2031, 1, 1, 0, 0, 0, TimeSpan.Zero),
        })));
        cms.ComputeSignature(new CmsSigner(signer));
        return cms.Encode();
    }
}
