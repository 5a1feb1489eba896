using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using FleetMdm.VirtualFleet.Enrolment;
using FleetMdm.VirtualFleet.IPads;
using FleetMdm.VirtualFleet.Journal;
using FleetMdm.VirtualFleet.Plist;

namespace FleetMdm.EndToEnd.Fleet;

/// <summary>Apple's Classroom on simulated iPads, which check the profile as a real one would.</summary>
public sealed class ClassroomJourneyTests(RunningServer server) : IClassFixture<RunningServer>
{
    private async Task<string> Post(string path, string body) => (string)(await server.Admin.PostAsync("/api/v1/" + path, JsonNode.Parse(body)!.AsObject()))["id"]!;

    [Fact]
    public Task An_iPad_takes_its_classes_and_gives_them_back() => server.RunAsync(async fleet =>
    {
        var ipad = await server.EnrolAsync(fleet);
        var school = await Post("schools", """{"name": "Journey"}""");
        var (tea, ali) = (await Post("people", """{"role": "teacher", "givenName": "Tea", "familyName": "Lind"}"""), await Post("people", """{"role": "pupil", "givenName": "Ali", "familyName": "Berg"}"""));
        var @class = await Post("classes", $$"""{"name": "7B", "schoolId": "{{school}}"}""");
        await server.Admin.PutAsync($"/api/v1/classes/{@class}/members/{tea}", new JsonObject { ["role"] = "teacher" });
        await server.Admin.PutAsync($"/api/v1/classes/{@class}/members/{ali}", new JsonObject { ["role"] = "pupil" });
        await server.Admin.PutAsync($"/api/v1/devices/{ipad.Udid}/holder", new JsonObject { ["personId"] = tea });
        await server.Admin.PutAsync($"/api/v1/schools/{school}/classroom", new JsonObject { ["on"] = true });

        // By a push, which the server sends by itself.
        await ipad.Journal.WaitForAsync(entry => entry is { Kind: JournalKind.Report, RequestType: "InstallProfile", What: "Acknowledged" }, RunningServer.Guard);
        Assert.Contains("com.fleetmdm.classroom", ipad.InstalledProfiles);

        await server.Admin.PutAsync($"/api/v1/schools/{school}/classroom", new JsonObject { ["on"] = false });
        await ipad.Journal.WaitForAsync(entry => entry is { Kind: JournalKind.Report, RequestType: "RemoveProfile", What: "Acknowledged" }, RunningServer.Guard);
        Assert.DoesNotContain("com.fleetmdm.classroom", ipad.InstalledProfiles);
    });

    private static string? Fault(string commonName = "leader 1", bool ownIssuer = true, Action<PlistDict>? spoil = null)
    {
        var now = TimeProvider.System.GetUtcNow();
        using var rootKey = RSA.Create(2048);
        using var otherKey = RSA.Create(2048);
        X509Certificate2 Root(RSA key, string name)
        {
            var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
            return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(10));
        }

        using var root = Root(rootKey, "CN=Leaders");
        using var other = Root(otherKey, "CN=Members");
        using var key = RSA.Create(2048);
        var asked = new CertificateRequest($"CN={commonName}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        asked.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], false));
        using var issued = asked.Create(ownIssuer ? root : other, now.AddHours(-2), now.AddDays(9), [1, 2, 3]);
        using var identity = issued.CopyWithPrivateKey(key);
        var education = new PlistDict
        {
            ["OrganizationUUID"] = Guid.NewGuid().ToString(),
            ["OrganizationName"] = "District",
            ["UserIdentifier"] = "1",
            ["PayloadCertificateUUID"] = "I",
            ["LeaderPayloadCertificateAnchorUUID"] = new List<object> { "L" },
            ["MemberPayloadCertificateAnchorUUID"] = new List<object> { "M" },
            ["Groups"] = new List<object> { new PlistDict { ["BeaconID"] = 1L, ["Name"] = "7B", ["LeaderIdentifiers"] = new List<object> { "1" }, ["MemberIdentifiers"] = new List<object> { "2" } } },
            ["Users"] = new List<object> { new PlistDict { ["Identifier"] = "1", ["Name"] = "Tea" }, new PlistDict { ["Identifier"] = "2", ["Name"] = "Ali" } },
        };
        spoil?.Invoke(education);
        PlistDict Payload(string type, string uuid, PlistDict keys)
        {
            (keys["PayloadType"], keys["PayloadUUID"], keys["PayloadIdentifier"], keys["PayloadVersion"]) = (type, uuid, "x." + uuid, 1L);
            return keys;
        }

        var profile = ConfigurationProfile.Read(PlistWriter.Write(new PlistDict
        {
            ["PayloadType"] = "Configuration",
            ["PayloadVersion"] = 1L,
            ["PayloadIdentifier"] = "x",
            ["PayloadUUID"] = "X",
            ["PayloadContent"] = new List<object>
            {
                Payload("com.apple.security.pkcs12", "I", new PlistDict { ["PayloadContent"] = identity.Export(X509ContentType.Pkcs12, "p"), ["Password"] = "p" }),
                Payload("com.apple.security.root", "L", new PlistDict { ["PayloadContent"] = root.RawData }),
                Payload("com.apple.security.root", "M", new PlistDict { ["PayloadContent"] = other.RawData }),
                Payload(EducationRules.PayloadType, "E", education),
            },
        }));
        return EducationRules.Fault(profile.Payloads[3], new InstalledProfile(profile, Managed: true));
    }

    [Fact]
    public void A_wrong_profile_is_refused_for_what_is_wrong_with_it()
    {
        Assert.Null(Fault());
        Assert.Contains("begin with leader", Fault(commonName: "member 1"), StringComparison.Ordinal);
        Assert.Contains("issuer", Fault(ownIssuer: false), StringComparison.Ordinal);
        Assert.Contains("MemberPayloadCertificateAnchorUUID is empty", Fault(spoil: one => one.Remove("MemberPayloadCertificateAnchorUUID")), StringComparison.Ordinal);
        Assert.Contains("names no certificate", Fault(spoil: one => one["LeaderPayloadCertificateAnchorUUID"] = new List<object> { "I" }), StringComparison.Ordinal);
        Assert.Contains("names no identity", Fault(spoil: one => one["PayloadCertificateUUID"] = "L"), StringComparison.Ordinal);
        Assert.Contains("lacks the person", Fault(spoil: one => one["UserIdentifier"] = "9"), StringComparison.Ordinal);
        Assert.Contains("whom a group names", Fault(spoil: one => ((List<object>)one["Users"]).RemoveAt(1)), StringComparison.Ordinal);
        Assert.Contains("BeaconID", Fault(spoil: one => ((PlistDict)((List<object>)one["Groups"])[0])["BeaconID"] = 70_000L), StringComparison.Ordinal);
    }
}
