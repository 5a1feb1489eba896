using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.Testing;
using FleetMdm.VirtualFleet.Apple;

namespace FleetMdm.VirtualFleet.Tests.Apple;

/// <summary>docs/apple-exchanges.md is what the simulators say today. <c>FLEETMDM_WRITE_EXCHANGES=1</c> writes it anew.</summary>
public sealed class RecordedExchangesTests
{
    [Fact]
    public async Task The_page_of_exchanges_is_what_the_simulators_say()
    {
        var text = new StringBuilder("""
            # Exchanges with the simulated Apple

            A bare HTTP client and the simulators of `loadtests/VirtualFleet/Apple`, word for word. A test writes this page and holds it; [the simulators of Apple's services](apple-simulators.md)
            says what each point rests on, and how to write it anew. What is new in each conversation has a name in braces. Lists are cut after three.


            """.ReplaceLineEndings("\n"));
        text.Append(await Enrolment()).Append(await Content());
        var page = text.ToString().TrimEnd('\n') + "\n";
        var file = Repository.File("docs", "apple-exchanges.md");
        if (Environment.GetEnvironmentVariable("FLEETMDM_WRITE_EXCHANGES") == "1") await File.WriteAllTextAsync(file, page);
        Assert.Equal(await File.ReadAllTextAsync(file), page);
    }

    private static async Task<string> Enrolment()
    {
        await using var talk = await EnrolmentTalk.Begin();
        var (portal, recorder) = (talk.Apple.Portal, talk.Recorder);
        foreach (var serial in new[] { "DMPAA0000001", "DMPAA0000002", "DMPAA0000003" })
        {
            portal.Assign(talk.Server, serial);
            talk.Time.Advance(TimeSpan.FromSeconds(1));
        }

        recorder.Title("Automated Device Enrolment", "The real one is `https://mdmenrollment.apple.com`.");
        await talk.SignIn("A session by OAuth");
        await talk.Say("Whose service it is", HttpMethod.Get, "/account");
        var first = await talk.Say("The first page of the list", HttpMethod.Post, "/server/devices", new JsonObject { ["limit"] = 2 });
        var last = await talk.Say("The page that follows", HttpMethod.Post, "/server/devices", new JsonObject { ["limit"] = 2, ["cursor"] = (string)first.Json["cursor"]! });
        var cursor = (string)last.Json["cursor"]!;
        await talk.Say("One page too many", HttpMethod.Post, "/server/devices", new JsonObject { ["cursor"] = cursor });
        var profile = new JsonObject
        {
            ["profile_name"] = "Springfield",
            ["url"] = "https://mdm.example/enroll",
            ["is_supervised"] = true,
            ["is_mdm_removable"] = false,
            ["await_device_configured"] = true,
            ["skip_setup_items"] = new JsonArray("AppleID", "Siri"),
            ["devices"] = new JsonArray("DMPAA0000001"),
        };
        var uuid = (string)(await talk.Say("A profile, for one iPad at once. From time to time an answer carries another session", HttpMethod.Post, "/profile", profile)).Json["profile_uuid"]!;
        await talk.Say("A profile without a name", HttpMethod.Post, "/profile", new JsonObject { ["url"] = "https://mdm.example/enroll" });
        talk.Apple.Faults.AssignmentOf["DMPAA0000003"] = "THROTTLED";
        await talk.Say("The profile for others", HttpMethod.Post, "/profile/devices", new JsonObject { ["profile_uuid"] = uuid, ["devices"] = new JsonArray("DMPAA0000002", "DMPAA0000003", "DMPAA9999999") });
        await talk.Say("A profile that is not there", HttpMethod.Post, "/profile/devices", new JsonObject { ["profile_uuid"] = new string('0', 31) + "1", ["devices"] = new JsonArray("DMPAA0000002") });
        await talk.Say("The profile, read back", HttpMethod.Get, "/profile?profile_uuid=" + uuid);
        portal.Unassign("DMPAA0000003");
        await talk.Say("What is new since the list", HttpMethod.Post, "/devices/sync", new JsonObject { ["cursor"] = cursor });
        await talk.Say("The profile is taken from an iPad", HttpMethod.Delete, "/profile/devices", new JsonObject { ["devices"] = new JsonArray("DMPAA0000002") });
        await talk.Say("How two of them stand", HttpMethod.Post, "/devices", new JsonObject { ["devices"] = new JsonArray("DMPAA0000002", "DMPAA0000003") });
        talk.Time.Advance(TimeSpan.FromHours(1));
        await talk.Say("The session has ended", HttpMethod.Get, "/account");
        await talk.SignIn("A token that is not known", "CK_unknown");
        return recorder.Text();
    }

    private static async Task<string> Content()
    {
        await using var talk = await ContentTalk.Begin(new AppsAndBooksSimulatorOptions { PageSize = 2 });
        var (location, recorder) = (talk.Location, talk.Recorder);
        location.Buy(new SimulatedAsset("361309726", "STDQ") { Store = ("Pages", "com.apple.Pages") }, 5);
        location.Buy(new SimulatedAsset("361304891", "STDQ") { Store = ("Numbers", "com.apple.Numbers") }, 1);
        location.Buy(new SimulatedAsset("1600000001", "STDQ") { ProductType = "Book", DeviceAssignable = false, Revocable = false }, 10);
        recorder.Title("Apps and Books", "The real one is `https://vpp.itunes.apple.com`. Its App Store is `https://uclient-api.itunes.apple.com`.");
        await recorder.Get("Limits, places and errors", "/mdm/v2/service/config");
        await recorder.Get("Without a token", "/mdm/v2/client/config");
        await talk.Post("client/config", new JsonObject
        {
            ["mdmInfo"] = new JsonObject { ["id"] = "522d5c43", ["name"] = "FleetMdm", ["metadata"] = "1" },
            ["notificationUrl"] = "https://mdm.example/notify",
            ["notificationAuthToken"] = "a-secret",
            ["notificationTypes"] = new JsonArray("ASSET_COUNT", "ASSET_MANAGEMENT"),
        }, "The location is claimed");
        Heard("Meanwhile, at the address for notifications");
        await talk.Get("assets?pageIndex=0", "What the location owns");
        var before = (string)(await talk.Get("assignments", "Who has a licence: nobody")).Json["versionId"]!;
        await Change("associate", "Two iPads are to have an app", "361309726", "DMPAA0000001", "DMPAA0000002");
        Heard("And a notification");
        await Change("associate", "Two iPads, and one licence", "361304891", "DMPAA0000001", "DMPAA0000002");
        Heard("And a notification of that");
        await talk.Get("assignments?sinceVersionId=" + before, "What is new since");
        await Change("disassociate", "A licence is taken back", "361309726", "DMPAA0000002");
        await talk.Post("assets/associate", new JsonObject { ["assets"] = new JsonArray(new JsonObject { ["adamId"] = "361309726" }) }, "For nobody");
        await recorder.Get("What the App Store calls them", "/WebObjects/MZStorePlatform.woa/wa/lookup?version=2&id=361309726,999&p=mdm-lockup&caller=MDM&platform=volumestore&cc=se&l=en", ("Cookie", "itvt=" + location.Token));
        return recorder.Text();

        async Task Change(string path, string what, string adamId, params string[] serials)
        {
            var asked = await talk.Post("assets/" + path, new JsonObject
            {
                ["assets"] = new JsonArray(new JsonObject { ["adamId"] = adamId, ["pricingParam"] = "STDQ" }),
                ["serialNumbers"] = new JsonArray([.. serials.Select(serial => JsonValue.Create(serial))]),
            }, what);
            await talk.Get("status?eventId=" + asked.Json["eventId"], "What became of it");
        }

        void Heard(string what)
        {
            var (authorization, body) = talk.Notifications[^1];
            recorder.Heard(what, $"POST https://mdm.example/notify\nAuthorization: {authorization}", body.ToJsonString());
        }
    }
}
