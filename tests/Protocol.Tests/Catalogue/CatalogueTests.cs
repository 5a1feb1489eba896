using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using FleetMdm.CatalogueGenerator;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Tests.Catalogue;

/// <summary>The catalogue by examples that are made from it: what is right is taken, and each mistake is refused where it is.</summary>
public sealed class CatalogueTests
{
    /// <summary>Where Apple's schema is, and then its seeds; unset: that test is left out.</summary>
    private const string SchemaVariable = "FLEETMDM_APPLE_SCHEMA";

    private static readonly AppleCatalogue Apple = AppleCatalogue.Instance;

    public static TheoryData<string> Commands => [.. CommandCatalogue.KnownRequestTypes];

    public static TheoryData<string> Settings => [.. Apple.Commands["Settings"].Keys["Settings"].Item!.Variants.Select(variant => variant.Name)];

    public static TheoryData<string> Payloads => [.. Apple.Payloads.Keys.Order(StringComparer.Ordinal)];

    [Fact]
    public void The_catalogue_has_everything_that_iPads_have()
    {
        Assert.Equal(51, Apple.Commands.Count);
        Assert.Equal(19, Settings.Count);
        Assert.Equal(68, Apple.Commands["DeviceInformation"].Keys["Queries"].Item!.Choices.Count);
        Assert.Equal(48, Apple.Payloads.Count);
        Assert.Equal(2, Apple.Payloads["com.apple.extensiblesso"].Count);
        Assert.Equal(176, Apple.Payloads["com.apple.applicationaccess"][0].OwnKeys.Count);
        Assert.True(Apple.Declarations.Count >= 49);
        Assert.True(Apple.StatusItems.Count >= 52);
        Assert.Equal("macOS", Apple.CommandsElsewhere["SetFirmwarePassword"]);
    }

    [Fact]
    public void A_key_has_what_it_stands_in_where_it_says_nothing_else()
    {
        var erase = Apple.Commands["EraseDevice"];
        Assert.Equal(("4.0", "AllowDeviceErase", "forbidden"), (erase.On.Since, erase.On.AccessRight, erase.On.UserEnrolment));
        var enabled = erase.Keys["ReturnToService"].Keys["Enabled"];
        Assert.Equal(("17.0", "AllowDeviceErase", true), (enabled.On.Since, enabled.On.AccessRight, enabled.Required));
        Assert.Equal("ReturnToService/Enabled", enabled.Path);

        var retry = erase.Keys["ReturnToService"].Keys["ShouldRetryEnrollment"];
        Assert.Equal("27.0", retry.On.Since);
        Assert.StartsWith("https://developer.apple.com/", retry.Source, StringComparison.Ordinal);

        var wallpaper = Apple.Commands["Settings"].Keys["Settings"].Item!.Variants["Wallpaper"];
        Assert.True(wallpaper.On.Supervised);
        Assert.True(wallpaper.Keys["Image"].On.Supervised);
        Assert.Equal(["device"], wallpaper.On.Channels);

        // A folder of the home screen holds pages of icons.
        var icon = Apple.Payloads["com.apple.homescreenlayout"][0].Keys["Dock"].Item!;
        Assert.Same(icon.Keys, icon.Keys["Pages"].Item!.Item!.Keys);
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public void A_command_with_all_keys_and_one_with_the_required_ones_are_taken_as_JSON_and_as_a_property_list(string requestType)
    {
        foreach (var (right, keys) in Right(requestType))
            Taken(requestType, right, keys);
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public void Each_mistake_in_a_command_is_refused_where_it_is(string requestType)
    {
        foreach (var (right, keys) in Right(requestType))
            Refused(requestType, Examples.Mistakes(right, keys), keys);
    }

    [Theory]
    [MemberData(nameof(Settings))]
    public void Each_setting_is_taken_and_each_mistake_in_it_refused(string item)
    {
        var keys = CommandCatalogue.KeysOf(Apple.Commands["Settings"]);
        var variant = keys["Settings"].Item!.Variants[item];
        foreach (var all in (bool[])[true, false])
        {
            var setting = Examples.Of(variant.Keys, all);
            var right = Around(setting);
            Taken("Settings", right, keys);
            // Another Item is another setting; that is tested by what the catalogue does not know.
            var mistakes = Examples.Mistakes(setting, variant.Keys, "/Settings/0", "/settings/0")
                .Where(mistake => !(mistake.Apple == "/Settings/0/Item" && mistake.What == "not in the list"))
                .Select(mistake => mistake with { Wrong = Around(mistake.Wrong) });
            Refused("Settings", mistakes, keys);
        }

        static PlistDictionary Around(PlistDictionary setting) => new() { ["Settings"] = new PlistArray { setting } };
    }

    [Theory]
    [MemberData(nameof(Payloads))]
    public void A_payload_is_compared_with_the_catalogue(string payloadType)
    {
        var variants = Apple.Payloads[payloadType];
        foreach (var variant in variants)
        {
            foreach (var all in (bool[])[true, false])
            {
                var right = Examples.Of(variant.Keys, all);
                right["PayloadType"] = payloadType;
                var found = PayloadCheck.Check((PlistDictionary)PlistReader.Read(PlistWriter.ToBytes(right), PlistLimits.Admin));
                Assert.Empty(found.Problems);
                Assert.Empty(found.Warnings);

                // With more than one variant a mistake in one may be right in another.
                foreach (var (what, wrong, apple, _) in variants.Count == 1 ? Examples.Mistakes(right, variant.Keys) : [])
                {
                    if (apple.StartsWith("/PayloadType", StringComparison.Ordinal))
                        continue;
                    Assert.True(PayloadCheck.Check(wrong).Problems.Any(problem => problem.Field == apple), $"{apple} is {what}: {string.Join("; ", PayloadCheck.Check(wrong).Problems)}");
                }

                right["NoSuchKey"] = true;
                Assert.Equal("/NoSuchKey", Assert.Single(PayloadCheck.Check(right).Warnings).Field);
            }
        }
    }

    [Fact]
    public void A_payload_type_that_is_not_known_is_a_warning()
    {
        Assert.Contains("macOS", Assert.Single(Of("com.apple.dock").Warnings).Message, StringComparison.Ordinal);
        Assert.Contains("Did you mean com.apple.wifi.managed?", Assert.Single(Of("com.apple.wifi.manged").Warnings).Message, StringComparison.Ordinal);
        Assert.Equal("/PayloadType", Assert.Single(PayloadCheck.Check([]).Problems).Field);

        static Findings Of(string type)
        {
            var found = PayloadCheck.Check(new PlistDictionary { ["PayloadType"] = type });
            Assert.Empty(found.Problems);
            return found;
        }
    }

    [Fact]
    public void Names_in_JSON_are_told_apart_everywhere()
    {
        foreach (var command in Apple.Commands.Values)
            Walk(command.Keys);

        static void Walk(KeySet keys)
        {
            Assert.Equal(keys.Count, keys.Select(key => key.JsonName.ToUpperInvariant()).Distinct().Count());
            foreach (var key in keys)
            {
                Walk(key.Keys);
                Walk(key.Variants);
                Walk(key.Item?.Keys ?? KeySet.Empty);
                Walk(key.Item?.Variants ?? KeySet.Empty);
            }
        }
    }

    /// <summary>Names, types and numbers are facts; the sentences of the schema are Apple's.</summary>
    [Fact]
    public void The_tables_hold_no_sentences()
    {
        foreach (var file in (string[])["commands", "payloads", "declarations", "status", "additions"])
        {
            using var document = JsonDocument.Parse(AppleCatalogue.Open($"Facts/{file}"));
            foreach (var text in Texts(document.RootElement))
                Assert.True(text.Count(char.IsWhiteSpace) <= 3, $"{file}: {text}");
        }

        static IEnumerable<string> Texts(JsonElement json) => json.ValueKind switch
        {
            JsonValueKind.Object => json.EnumerateObject().SelectMany(property =>
                property.Name is "content" or "description" or "title" or "notes" ? throw new InvalidOperationException(property.Name) : Texts(property.Value).Append(property.Name)),
            JsonValueKind.Array => json.EnumerateArray().SelectMany(Texts),
            JsonValueKind.String => [json.GetString()!],
            _ => [],
        };
    }

    [Fact]
    public void What_was_added_by_hand_says_where_it_is_from_and_is_not_in_the_schema()
    {
        using var document = JsonDocument.Parse(AppleCatalogue.Open("Facts/additions"));
        var entries = Entries(document.RootElement).ToList();
        Assert.NotEmpty(entries);
        Assert.All(entries, entry => Assert.StartsWith("https://developer.apple.com/", entry, StringComparison.Ordinal));

        // An entry says something of a key: a type, a version. What only leads to one says nothing.
        static IEnumerable<string> Entries(JsonElement json) => json.ValueKind switch
        {
            JsonValueKind.Object => json.EnumerateObject().SelectMany(property => Entries(property.Value)).Concat(
                (json.TryGetProperty("key", out _) && json.TryGetProperty("type", out _)) || json.TryGetProperty("removed", out _) || json.TryGetProperty("deprecated", out _)
                    ? [json.TryGetProperty("source", out var source) ? source.GetString()! : json.GetRawText()]
                    : []),
            JsonValueKind.Array => json.EnumerateArray().SelectMany(Entries),
            _ => [],
        };
    }

    [Fact]
    public void A_JSON_Schema_has_the_keys_the_types_and_what_is_required()
    {
        var schema = CatalogueSchema.OfCommand(Apple.Commands["EraseDevice"], CatalogueTexts.English);
        Assert.Equal("https://json-schema.org/draft/2020-12/schema", (string?)schema["$schema"]);
        Assert.Equal("EraseDevice", (string?)schema["properties"]!["requestType"]!["const"]);
        Assert.Equal(["requestType"], schema["required"]!.AsArray().Select(name => (string)name!));
        var service = schema["properties"]!["returnToService"]!;
        Assert.Equal(("object", "17.0"), ((string?)service["type"], (string?)service["x-since"]));
        Assert.Equal(["enabled"], service["required"]!.AsArray().Select(name => (string)name!));
        Assert.Equal("base64", (string?)service["properties"]!["wiFiProfileData"]!["contentEncoding"]);
        Assert.Null(schema["additionalProperties"]);

        // What the server adds is not written; what has a default here is not required.
        Assert.Null(CatalogueSchema.OfCommand(Apple.Commands["ClearPasscode"], CatalogueTexts.English)["properties"]!["unlockToken"]);
        Assert.DoesNotContain("queries", CatalogueSchema.OfCommand(Apple.Commands["DeviceInformation"], CatalogueTexts.English)["required"]!.AsArray().Select(name => (string)name!));

        // Structures that contain themselves end.
        var layout = CatalogueSchema.OfPayload(Apple.Payloads["com.apple.homescreenlayout"][0], CatalogueTexts.English);
        Assert.Contains("#/$defs/", layout.ToJsonString(), StringComparison.Ordinal);
        foreach (var reference in System.Text.RegularExpressions.Regex.Matches(layout.ToJsonString(), "#/\\$defs/([A-Za-z.]+)").Select(match => match.Groups[1].Value))
            Assert.NotNull(layout["$defs"]![reference]);
        foreach (var type in Apple.Payloads.Values.SelectMany(variants => variants))
            Assert.Equal(type.Name, (string?)CatalogueSchema.OfPayload(type, CatalogueTexts.English)["properties"]!["PayloadType"]!["const"]);
    }

    /// <summary>Needs Text/en/commands.json, settings.json, payloads.json and restrictions.json.</summary>
    [Fact]
    public void Every_command_setting_and_payload_and_every_restriction_has_a_label_and_a_line_of_help()
    {
        var texts = CatalogueTexts.English;
        var lacking = new List<string>();
        foreach (var command in Apple.Commands.Values)
        {
            Look(texts.Command(command.Name), command.Name);
            foreach (var key in command.Keys)
                Look(texts.Command(command.Name, key), $"{command.Name}/{key.Path}");
        }

        foreach (var setting in Apple.Commands["Settings"].Keys["Settings"].Item!.Variants)
            Look(texts.Command("Settings", setting), $"Settings/{setting.Name}");
        foreach (var payload in Apple.Payloads.Keys)
            Look(texts.Payload(payload), payload);
        var restrictions = Apple.Payloads["com.apple.applicationaccess"][0];
        foreach (var key in restrictions.OwnKeys)
            Look(texts.Payload(restrictions.Name, key), key.Path);
        Assert.Empty(lacking);

        void Look(CatalogueText text, string place)
        {
            // A label may be the name itself, where the name is a word; what has no text has no help.
            if (text.Help.Length == 0 || text.Label.Length == 0)
                lacking.Add(place);
        }
    }

    /// <summary>Written anew with: dotnet run --project scripts/CatalogueGenerator -- pages docs/reference.</summary>
    [Fact]
    public void The_reference_pages_are_the_catalogue()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "FleetMdm.sln")))
            folder = folder.Parent;
        foreach (var (name, text) in ReferencePages.All())
            Assert.Equal(text, File.ReadAllText(Path.Combine(folder!.FullName, "docs/reference", name)));
    }

    /// <summary>What another program reads is what was written.</summary>
    [Fact]
    public void Python_reads_every_example()
    {
        var all = new PlistArray(CommandCatalogue.KnownRequestTypes.Select(name => Right(name).First().Command)
            .Concat(Apple.Payloads.Values.Select(variants => Examples.Of(variants[0].Keys, all: true))));
        var said = Python("import plistlib,sys; print(len(plistlib.load(open(sys.argv[1],'rb'))))", PlistWriter.ToBytes(all));
        Assert.Equal(all.Count.ToString(System.Globalization.CultureInfo.InvariantCulture), said);
    }

    /// <summary>A validator of another hand takes what is taken here, and refuses what is refused here.</summary>
    [Fact]
    public void The_JSON_Schemas_say_what_the_checks_do()
    {
        const string Program = """
            import json, sys
            try:
                from jsonschema import Draft202012Validator
            except ImportError:
                print("none"); sys.exit()
            for case in json.load(open(sys.argv[1])):
                Draft202012Validator.check_schema(case["schema"])
                validator = Draft202012Validator(case["schema"])
                for right in case["right"]:
                    for error in validator.iter_errors(right): print("right:", error.message[:300])
                for wrong in case["wrong"]:
                    if validator.is_valid(wrong): print("wrong:", json.dumps(wrong)[:300])
            """;
        var cases = new JsonArray();
        foreach (var command in Apple.Commands.Values)
        {
            var (right, wrong) = (new JsonArray(), new JsonArray());
            foreach (var (example, keys) in Right(command.Name))
            {
                right.Add(Json(command.Name, example, keys));
                foreach (var mistake in Examples.Mistakes(example, keys).Where(mistake => (mistake.Json, mistake.What) is not ("/queries", "missing")))
                    wrong.Add(Json(command.Name, mistake.Wrong, keys));
            }

            cases.Add(new JsonObject { ["schema"] = CatalogueSchema.OfCommand(command, CatalogueTexts.English), ["right"] = right, ["wrong"] = wrong });
        }

        var settings = CommandCatalogue.KeysOf(Apple.Commands["Settings"]);
        foreach (var variant in settings["Settings"].Item!.Variants)
            ((JsonArray)cases.Single(one => (string?)one!["schema"]!["properties"]!["requestType"]!["const"] == "Settings")!["right"]!).Add(
                Json("Settings", new PlistDictionary { ["Settings"] = new PlistArray { Examples.Of(variant.Keys, all: true) } }, settings));

        foreach (var payload in Apple.Payloads.Values.SelectMany(variants => variants))
        {
            var example = Examples.Of(payload.Keys, all: true);
            example["PayloadType"] = payload.Name;
            var wrong = new JsonArray([.. Examples.Mistakes(example, payload.Keys).Where(mistake => mistake.Apple != "/PayloadType").Select(mistake => Examples.Json(mistake.Wrong, payload.Keys, KeyNames.Apple))]);
            cases.Add(new JsonObject
            {
                ["schema"] = CatalogueSchema.OfPayload(payload, CatalogueTexts.English),
                ["right"] = new JsonArray(Examples.Json(example, payload.Keys, KeyNames.Apple)),
                ["wrong"] = wrong,
            });
        }

        var said = Python(Program, System.Text.Encoding.UTF8.GetBytes(cases.ToJsonString()));
        if (said == "none")
            Assert.Skip("This Python has no jsonschema.");
        Assert.Equal("", said);

        static JsonObject Json(string requestType, PlistDictionary command, KeySet keys)
        {
            var json = Examples.Json(command, keys);
            json["requestType"] = requestType;
            return json;
        }
    }

    private static string Python(string program, byte[] input)
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(file, input);
            using var python = Process.Start(new ProcessStartInfo("python3") { ArgumentList = { "-c", program, file }, RedirectStandardOutput = true })!;
            return python.StandardOutput.ReadToEnd().Trim();
        }
        catch (Win32Exception)
        {
            Assert.Skip("There is no Python 3.");
            return "";
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void The_tables_are_what_the_generator_makes_of_Apples_schema()
    {
        if (Environment.GetEnvironmentVariable(SchemaVariable) is not { Length: > 0 } schemas)
        {
            Assert.Skip($"{SchemaVariable} names no folder of Apple's schema.");
            return;
        }

        foreach (var (name, text) in CatalogueFiles.Of(schemas.Split(Path.PathSeparator)))
        {
            using var reader = new StreamReader(AppleCatalogue.Open($"Facts/{Path.GetFileNameWithoutExtension(name)}"));
            Assert.Equal(text, reader.ReadToEnd());
        }
    }

    private static IEnumerable<(PlistDictionary Command, KeySet Keys)> Right(string requestType)
    {
        var keys = CommandCatalogue.KeysOf(Apple.Commands[requestType]);
        string[] oneOf = requestType switch
        {
            "InstallApplication" => ["iTunesStoreID", "Identifier", "ManifestURL"],
            "InstallMedia" => ["iTunesStoreID", "MediaURL"],
            _ => [],
        };
        foreach (var all in (bool[])[true, false])
        {
            foreach (var one in oneOf.DefaultIfEmpty())
            {
                var command = Examples.Of(keys, all, requestType);
                foreach (var other in oneOf)
                    command.Remove(other);
                if (one is not null)
                    command[one] = Examples.Of(keys[one], all);
                yield return (command, keys);
            }
        }
    }

    private static void Taken(string requestType, PlistDictionary right, KeySet keys)
    {
        var sent = Named(requestType, right);
        var fromPlist = CommandCatalogue.FromPlist(PlistWriter.ToBytes(sent));
        Assert.Empty(fromPlist.Warnings);
        Assert.Equal(PlistWriter.ToFragment(sent), fromPlist.Fragment);
        var fromJson = FromJson(requestType, right, keys);
        Assert.Empty(fromJson.Warnings);

        // In Apple's order, and read back it is the same.
        var read = (PlistDictionary)PlistReader.Read(fromJson.Fragment, PlistLimits.Admin);
        Assert.Equal(requestType, read.First().Value is PlistString { Value: var first } ? first : null);
        var ordered = new PlistDictionary();
        foreach (var key in keys.Where(key => right.ContainsKey(key.Name)))
            ordered[key.Name] = right.First(entry => entry.Key == key.Name).Value;
        Assert.Equal(PlistWriter.ToFragment(Named(requestType, ordered)), fromJson.Fragment);
    }

    private static void Refused(
        string requestType, IEnumerable<(string What, PlistDictionary Wrong, string Apple, string Json)> mistakes, KeySet keys)
    {
        foreach (var (what, wrong, apple, json) in mistakes)
        {
            // Left out, DeviceInformation asks for everything.
            if ((requestType, json, what) is not ("DeviceInformation", "/queries", "missing"))
                At(json, what, () => FromJson(requestType, wrong, keys));
            At(apple, what, () => CommandCatalogue.FromPlist(PlistWriter.ToBytes(Named(requestType, wrong))));
        }

        static void At(string pointer, string what, Func<BuiltCommand> build)
        {
            try
            {
                build();
                Assert.Fail($"{pointer} is {what}, and was taken.");
            }
            catch (CommandFieldException refused)
            {
                Assert.True(pointer == refused.Field, $"{pointer} is {what}, and {refused.Field} was named: {refused.Message}");
            }
        }
    }

    private static PlistDictionary Named(string requestType, PlistDictionary command)
    {
        var named = new PlistDictionary { ["RequestType"] = requestType };
        foreach (var (key, value) in command)
            named[key] = value;
        return named;
    }

    private static BuiltCommand FromJson(string requestType, PlistDictionary command, KeySet keys)
    {
        var json = Examples.Json(command, keys);
        json["requestType"] = requestType;
        using var document = JsonDocument.Parse(json.ToJsonString());
        return CommandCatalogue.FromJson(document.RootElement);
    }
}
