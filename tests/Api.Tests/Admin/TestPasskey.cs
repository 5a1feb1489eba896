using System.Buffers.Binary;
using System.Buffers.Text;
using System.Formats.Cbor;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>A device that keeps a passkey: the other side of WebAuthn, written after its text (https://www.w3.org/TR/webauthn-3/) and not after the server.</summary>
public sealed class TestPasskey(Uri page)
{
    private const byte UserPresent = 0x01, UserVerified = 0x04, MayBeCopied = 0x08, HasKey = 0x40;

    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly byte[] _id = RandomNumberGenerator.GetBytes(32);
    private string _user = "";

    /// <summary>As the page's browser says where it is.</summary>
    public string Origin { get; set; } = page.GetLeftPart(UriPartial.Authority);

    /// <summary>Whose device it is was checked.</summary>
    public bool Verifies { get; set; } = true;

    public uint Count { get; set; } = 1;

    public ECDsa Key => _key;

    /// <summary>What the browser gives to the page that adds a passkey.</summary>
    public string Create(JsonNode options)
    {
        _user = (string)options["user"]!["id"]!;
        var point = _key.ExportParameters(false).Q;
        var cose = new CborWriter(CborConformanceMode.Ctap2Canonical);
        cose.WriteStartMap(5);
        cose.WriteInt32(1);
        cose.WriteInt32(2);
        cose.WriteInt32(3);
        cose.WriteInt32(-7);
        cose.WriteInt32(-1);
        cose.WriteInt32(1);
        cose.WriteInt32(-2);
        cose.WriteByteString(point.X!);
        cose.WriteInt32(-3);
        cose.WriteByteString(point.Y!);
        cose.WriteEndMap();
        var length = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)_id.Length);
        var attestation = new CborWriter(CborConformanceMode.Ctap2Canonical);
        attestation.WriteStartMap(3);
        attestation.WriteTextString("fmt");
        attestation.WriteTextString("none");
        attestation.WriteTextString("attStmt");
        attestation.WriteStartMap(0);
        attestation.WriteEndMap();
        attestation.WriteTextString("authData");
        attestation.WriteByteString([.. Data(HasKey), .. new byte[16], .. length, .. _id, .. cose.Encode()]);
        attestation.WriteEndMap();
        return Credential(new JsonObject
        {
            ["clientDataJSON"] = Text(ClientData("webauthn.create", options)),
            ["attestationObject"] = Text(attestation.Encode()),
            ["transports"] = new JsonArray("internal"),
        });
    }

    /// <summary>What the browser gives to the page of sign-in.</summary>
    public string Sign(JsonNode options, ECDsa? by = null, string? user = null)
    {
        Count++;
        var (client, data) = (ClientData("webauthn.get", options), Data(0));
        return Credential(new JsonObject
        {
            ["clientDataJSON"] = Text(client),
            ["authenticatorData"] = Text(data),
            ["signature"] = Text((by ?? _key).SignData([.. data, .. SHA256.HashData(client)], HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence)),
            ["userHandle"] = user ?? _user,
        });
    }

    /// <summary>As the page's attribute holds it.</summary>
    public static string Handle(string accountId) => Text(Encoding.UTF8.GetBytes(accountId));

    private string Credential(JsonObject response) => new JsonObject
    {
        ["id"] = Text(_id),
        ["rawId"] = Text(_id),
        ["type"] = "public-key",
        ["response"] = response,
        ["clientExtensionResults"] = new JsonObject(),
    }.ToJsonString();

    private byte[] ClientData(string type, JsonNode options) => Encoding.UTF8.GetBytes(
        new JsonObject { ["type"] = type, ["challenge"] = (string)options["challenge"]!, ["origin"] = Origin, ["crossOrigin"] = false }.ToJsonString());

    private byte[] Data(byte more)
    {
        var data = new byte[37];
        SHA256.HashData(Encoding.UTF8.GetBytes(page.Host), data);
        data[32] = (byte)(UserPresent | MayBeCopied | (Verifies ? UserVerified : 0) | more);
        BinaryPrimitives.WriteUInt32BigEndian(data.AsSpan(33), Count);
        return data;
    }

    private static string Text(byte[] bytes) => Base64Url.EncodeToString(bytes);
}

/// <summary>What a browser does with the pages of passkeys.</summary>
public sealed partial class PasskeyBrowser(AdminServer server)
{
    public async Task<TestPasskey> Added(TestAccount account, string name = "iPad") => await Add(await account.Cookie(), name);

    public async Task<TestPasskey> Add(string cookie, string name)
    {
        var ask = await BeginAdding(cookie, name);
        var device = new TestPasskey(server.Address);
        using var added = await Post("/account/passkeys", cookie, ("offer", ask.Offer), ("credential", device.Create(ask.Options)));
        Assert.Equal("/account/passkeys?done=added", added.Headers.Location?.OriginalString);
        return device;
    }

    public async Task<(string Offer, JsonNode Options)> BeginAdding(string cookie, string name)
    {
        using var response = await Post("/account/passkeys/begin", cookie, ("name", name), ("present", TestAccount.Password));
        return Read(await response.Content.ReadAsStringAsync());
    }

    public async Task<(string Offer, JsonNode Options)> Ask()
    {
        using var client = server.Client();
        return Read(await client.GetStringAsync("/login"));
    }

    private static (string Offer, JsonNode Options) Read(string page) =>
        (WebUtility.HtmlDecode(Offered().Match(page).Groups[1].Value), JsonNode.Parse(WebUtility.HtmlDecode(Options().Match(page).Groups[1].Value))!);

    public async Task<HttpResponseMessage> Post(string path, string? cookie, params (string Name, string Value)[] fields)
    {
        using var client = server.Client();
        return await client.SendAsync(new TestAccount(server, "", "", "").Form(path, cookie, fields));
    }

    [GeneratedRegex("name=\"offer\" value=\"([^\"]+)\"")]
    private static partial Regex Offered();

    [GeneratedRegex("data-options=\"([^\"]+)\"")]
    private static partial Regex Options();
}
