using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Operations;
using FleetMdm.Api.Rest;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Profiles;
using FleetMdm.Storage;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Profiles;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Profiles;

/// <summary>The library of profiles in the console: its list, the form that makes or changes a profile, its versions, and who has it.</summary>
internal static class ProfilePages
{
    private const int ProfilesOnPage = 50;
    private const int VersionsOnPage = 20;
    private const int DevicesOnPage = 50;
    private const int Examples = 10;

    /// <summary>VPN has 220 fields, restrictions have 176; each may stand there twice, with what is hidden.</summary>
    private const int MostFields = 8_000;

    /// <summary>A file that travels in the form as Base64 when it is shown again.</summary>
    private const int LongestValue = 1_000_000;

    /// <summary>Of one page: longer values are shown by their size.</summary>
    private const int LongestShown = 200;

    /// <summary>What a page says after a form did its work, by the word in its address: never text from there.</summary>
    private static readonly Dictionary<string, string> Notes = new()
    {
        ["created"] = "The profile is in the library. No iPad has it yet: install it.",
        ["changed"] = "A new version was saved. iPads keep the version that they have until the new one is installed.",
        ["unchanged"] = "Nothing was different, so no version was made.",
        ["restored"] = "The old version is the newest again, under a number of its own.",
        ["published"] = "The profile is public. Everybody who has the link below can download it.",
        ["offered"] = "It is saved who can download the profile.",
        ["withdrawn"] = "The link is withdrawn. It leads nowhere now.",
        ["deleted"] = "The profile was deleted from the library.",
    };

    public static void MapPages(RouteGroupBuilder pages)
    {
        pages = pages.MapGroup("").WithinSchools();
        pages.MapGet("/profiles", List).Needs(Rights.ProfileRead);
        pages.MapGet("/profiles/new", New).Needs(Rights.ProfileChange);
        pages.MapPost("/profiles/new", Create).Needs(Rights.ProfileChange).Audit(AuditVerbs.ProfileCreate, AuditTargets.Profile, AuditPlace.WithTheChange);
        pages.MapGet("/profiles/upload", AskFile).Needs(Rights.ProfileChange);
        pages.MapPost("/profiles/upload", TakeFile).Needs(Rights.ProfileChange).Audit(AuditVerbs.ProfileCreate, AuditTargets.Profile, AuditPlace.WithTheChange);
        pages.MapGet("/profiles/{id}", Show).Needs(Rights.ProfileRead);
        pages.MapGet("/profiles/{id}/edit", Edit).Needs(Rights.ProfileChange);
        pages.MapPost("/profiles/{id}/edit", Change).Needs(Rights.ProfileChange).Audit(AuditVerbs.ProfileChange, AuditTargets.Profile, AuditPlace.WithTheChange);
        pages.MapGet("/profiles/{id}/upload", AskFileFor).Needs(Rights.ProfileChange);
        pages.MapPost("/profiles/{id}/upload", TakeFileFor).Needs(Rights.ProfileChange).Audit(AuditVerbs.ProfileChange, AuditTargets.Profile, AuditPlace.WithTheChange);
        pages.MapGet("/profiles/{id}/versions", Versions).Needs(Rights.ProfileRead);
        pages.MapGet("/profiles/{id}/compare", Compare).Needs(Rights.ProfileRead);
        pages.MapPost("/profiles/{id}/restore", Restore).Needs(Rights.ProfileChange).Audit(AuditVerbs.ProfileChange, AuditTargets.Profile, AuditPlace.WithTheChange);
        pages.MapGet("/profiles/{id}/ipads", Devices).Needs(Rights.ProfileRead);
        pages.MapGet("/profiles/{id}/install", (string id, HttpContext context, ProfileSending sending) => sending.Ask(id, context, remove: false)).Needs(Rights.ProfileRead, Rights.OperationStart, Rights.CommandSend);
        pages.MapPost("/profiles/{id}/install", (string id, HttpContext context, ProfileSending sending) => sending.Send(id, context, remove: false)).Needs(Rights.ProfileRead, Rights.OperationStart, Rights.CommandSend)
            .Audit(AuditVerbs.ProfileInstall, AuditTargets.Profile, AuditPlace.WithTheChange);
        pages.MapGet("/profiles/{id}/remove", (string id, HttpContext context, ProfileSending sending) => sending.Ask(id, context, remove: true)).Needs(Rights.ProfileRead, Rights.OperationStart, Rights.CommandSend);
        pages.MapPost("/profiles/{id}/remove", (string id, HttpContext context, ProfileSending sending) => sending.Send(id, context, remove: true)).Needs(Rights.ProfileRead, Rights.OperationStart, Rights.CommandSend)
            .Audit(AuditVerbs.ProfileRemove, AuditTargets.Profile, AuditPlace.WithTheChange);
        pages.MapPost("/profiles/{id}/publish", Publish).Needs(Rights.ProfileChange).Audit(AuditVerbs.ProfilePublish, AuditTargets.Profile, AuditPlace.WithTheChange);
        pages.MapPost("/profiles/{id}/withdraw", Withdraw).Needs(Rights.ProfileChange).Audit(AuditVerbs.ProfilePublish, AuditTargets.Profile, AuditPlace.WithTheChange);
        pages.MapPost("/profiles/{id}/offer", Offer).Needs(Rights.ProfileChange).Audit(AuditVerbs.ProfileOffer, AuditTargets.Profile, AuditPlace.WithTheChange);
        pages.MapGet("/profiles/{id}/delete", AskDelete).Needs(Rights.ProfileChange);
        pages.MapPost("/profiles/{id}/delete", Delete).Needs(Rights.ProfileChange).Audit(AuditVerbs.ProfileDelete, AuditTargets.Profile, AuditPlace.WithTheChange);
    }

    private static async Task<RazorComponentResult<ProfilesPage>> List(HttpContext context, ProfileLibrary library, string? q, string? after) =>
        new(new { View = new ProfilesView(FleetUser.Of(context), await library.List(q, after, ProfilesOnPage), string.IsNullOrWhiteSpace(q) ? null : q.Trim(), after is not null, Done(context)) });

    // Making and changing.

    private static IResult New(HttpContext context, ProfileForms forms, string? q)
    {
        var types = context.Request.Query["type"].OfType<string>().Select(ProfileForms.New).OfType<JsonObject>().ToArray<JsonNode?>();
        if (types.Length > 0)
            return EditPage(context, null, 0, forms.View(context, new JsonObject { [ProfileForms.Content] = new JsonArray(types) }), null);
        var words = (q ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var found = ProfileForms.Choices.Where(choice => words.All(word =>
            choice.Label.Contains(word, StringComparison.OrdinalIgnoreCase) || choice.Type.Contains(word, StringComparison.OrdinalIgnoreCase) || choice.Help.Contains(word, StringComparison.OrdinalIgnoreCase)));
        return new RazorComponentResult<ProfileTypesPage>(new { View = new ProfileTypesView(FleetUser.Of(context), q, [.. found]) });
    }

    private static async Task<IResult> Create(HttpContext context, RequestIds ids, ProfileLibrary library, ProfileForms forms)
    {
        var form = await UploadForm.Read(context, ids, mostFields: MostFields, longestValue: LongestValue);
        return await Save(context, form, forms, null, 0, null, async input => await library.Create(context, input));
    }

    private static async Task<IResult> Edit(string id, HttpContext context, ProfileLibrary library, ProfileForms forms)
    {
        var profile = await library.Get(FleetUser.Of(context), id);
        if (profile.Signed) return PageForms.See(ProfilePaths.Of(profile.Id) + "/upload");
        return EditPage(context, profile, profile.Version, forms.View(context, JsonObject.Create(profile.Profile)!), null);
    }

    private static async Task<IResult> Change(string id, HttpContext context, RequestIds ids, ProfileLibrary library, ProfileForms forms)
    {
        var form = await UploadForm.Read(context, ids, mostFields: MostFields, longestValue: LongestValue);
        var profile = await library.Get(FleetUser.Of(context), id);
        // Without it somebody else's change would be written over.
        var basedOn = Version("basedOn", form.Once("basedOn"));
        var before = basedOn == profile.Version ? profile.Profile : (await library.Version(id, basedOn)).Profile;
        return await Save(context, form, forms, profile, basedOn, JsonObject.Create(before), async input => await library.NewVersion(context, id, basedOn, input));
    }

    /// <summary>Saves, or does what a button within the form asks for and shows the form again.</summary>
    private static async Task<IResult> Save(
        HttpContext context, UploadForm form, ProfileForms forms, ProfileSummary? profile, int basedOn, JsonObject? before, Func<ProfileInput, Task<ProfileSaved>> save)
    {
        var asked = form.Once("do") ?? "save";
        var (entered, reading) = await forms.Read(context, form, before, keepEmpty: asked != "save");
        var note = form.Once("note");
        if (asked != "save")
        {
            Carry(entered, asked, form);
            return EditPage(context, profile, basedOn, forms.View(context, entered, raw: reading.Raw), note);
        }

        if (reading.Errors.Count > 0)
            return EditPage(context, profile, basedOn, forms.View(context, entered, reading.Errors, raw: reading.Raw), note, StatusCodes.Status400BadRequest);
        try
        {
            var saved = await save(ProfileInput.OfJson(JsonSerializer.SerializeToElement(entered), ProfileInput.Checked(note)));
            return PageForms.See($"{ProfilePaths.Of(saved.Id)}?done={(profile is null ? "created" : saved.Unchanged ? "unchanged" : "changed")}");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem) || problem.Status == StatusCodes.Status412PreconditionFailed)
        {
            var errors = (problem.Errors ?? new Dictionary<string, string[]>())
                .GroupBy(error => error.Key.StartsWith("profile.", StringComparison.Ordinal) ? error.Key["profile.".Length..] : error.Key == "profile" ? "" : error.Key)
                .ToDictionary(group => group.Key, group => group.SelectMany(error => error.Value).ToArray());
            return EditPage(context, profile, basedOn, forms.View(context, entered, errors, errors.Count == 0 ? problem.Message : null), note, problem.Status);
        }
    }

    /// <summary>What a button within the form asks for.</summary>
    private static void Carry(JsonObject profile, string asked, UploadForm form)
    {
        var (verb, path) = asked.Split(':', 2) is [var first, var rest] ? (first, rest) : (asked, "");
        switch (verb)
        {
            case "add" or "remove":
                ProfileForms.Change(profile, path, verb == "remove");
                break;
            case "payload" when form.Get("newType") is { } type && ProfileForms.New(type) is { } payload:
                ((JsonArray)profile[ProfileForms.Content]!).Add((JsonNode)payload);
                break;
        }
    }

    private static RazorComponentResult<ProfileEditPage> EditPage(
        HttpContext context, ProfileSummary? profile, int basedOn, ProfileFormView form, string? note, int status = StatusCodes.Status200OK) =>
        new(new { View = new ProfileEditView(FleetUser.Of(context), profile, basedOn, form, note, PageForms.NewKey()) }) { StatusCode = status };

    // Files.

    private static RazorComponentResult<ProfileUploadPage> AskFile(HttpContext context) => UploadPage(context, null, null, FormState.Fresh);

    private static async Task<RazorComponentResult<ProfileUploadPage>> AskFileFor(string id, HttpContext context, ProfileLibrary library) =>
        UploadPage(context, await library.Get(FleetUser.Of(context), id), null, FormState.Fresh);

    private static Task<IResult> TakeFile(HttpContext context, RequestIds ids, ProfileLibrary library) =>
        Take(context, ids, library, null, (_, input) => library.Create(context, input));

    private static async Task<IResult> TakeFileFor(string id, HttpContext context, RequestIds ids, ProfileLibrary library)
    {
        var profile = await library.Get(FleetUser.Of(context), id);
        return await Take(context, ids, library, profile, (form, input) => library.NewVersion(context, id, Version("basedOn", form.Once("basedOn")), input));
    }

    /// <summary>Shows what is in a file, and keeps it when that was asked for and nothing speaks against it.</summary>
    private static async Task<IResult> Take(HttpContext context, RequestIds ids, ProfileLibrary library, ProfileSummary? profile, Func<UploadForm, ProfileInput, Task<ProfileSaved>> save)
    {
        UploadForm? form = null;
        ProfileInspection? inspection = null;
        try
        {
            form = await UploadForm.Read(context, ids);
            var file = await form.File("profile", context.RequestAborted) ?? throw ApiProblem.Field("profile", "Choose a .mobileconfig file.");
            inspection = ProfileInspection.OfFile(file, library.Rules);
            if (form.Get("do") == "look")
                return UploadPage(context, profile, inspection, FormState.Fresh);
            var saved = await save(form, ProfileInput.OfFile(file, ProfileInput.Checked(form.Get("note"))));
            return PageForms.See($"{ProfilePaths.Of(saved.Id)}?done={(profile is null ? "created" : saved.Unchanged ? "unchanged" : "changed")}");
        }
        catch (ApiProblem problem) when (problem.Status == StatusCodes.Status412PreconditionFailed && profile is not null)
        {
            // Once it is told, the form is about what stands now.
            return UploadPage(context, await library.Get(FleetUser.Of(context), profile.Id), inspection, FormState.Refused(problem, form!.Get), form.Once("basedOn"));
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem) || problem.Status is StatusCodes.Status413PayloadTooLarge)
        {
            // Each finding stands below with its place; above the form, one sentence is enough.
            var shown = inspection?.IsRefused == true ? new ApiProblem(problem.Status, problem.Code, problem.Title, "The file was not taken. What is wrong with it stands below.") : problem;
            return UploadPage(context, profile, inspection, FormState.Refused(shown, form is null ? null : form.Get));
        }
    }

    /// <param name="changedSince">The version that the form was about, when another one stands by now.</param>
    private static RazorComponentResult<ProfileUploadPage> UploadPage(
        HttpContext context, ProfileSummary? profile, ProfileInspection? inspection, FormState form, string? changedSince = null) =>
        new(new { View = new ProfileUploadView(FleetUser.Of(context), profile, changedSince, inspection, form, PageForms.NewKey()) }) { StatusCode = form.Status };

    // One profile.

    private static Task<RazorComponentResult<ProfilePage>> Show(string id, HttpContext context, ProfileLibrary library) => ShowWith(id, context, library, null);

    private static async Task<RazorComponentResult<ProfilePage>> ShowWith(string id, HttpContext context, ProfileLibrary library, ApiProblem? problem)
    {
        var profile = await library.Get(FleetUser.Of(context), id);
        var row = await library.Row(id);
        var content = await library.Content(row, row.Newest.Version);
        var rules = library.Rules with { OpensIdentities = false };
        var inspection = content.Signed ? ProfileInspection.OfFile(content.Bytes, rules) : ProfileInspection.OfProfile(content.Root, rules);
        var json = JsonObject.Create(profile.Profile)!;
        var payloads = (json[ProfileForms.Content] as JsonArray ?? []).OfType<JsonObject>().Select(payload => Shown(payload, inspection)).ToList();
        var general = new List<ShownKey>();
        // What each profile has, and nobody asks for.
        foreach (var name in (ReadOnlySpan<string>)[ProfileForms.Content, "PayloadType", "PayloadVersion"]) json.Remove(name);
        Flatten(json, AppleCatalogue.Instance.Profile.Keys, "", "", key => CatalogueTexts.English.Payload(AppleCatalogue.TopLevel, key), general);
        var view = new ProfilePageView(Frame(context, profile, "", problem), profile, payloads, general, inspection.Findings, await library.Link(context, profile.Id),
            ProfileOfferView.Of(await library.Row(profile.Id)));
        return new RazorComponentResult<ProfilePage>(new { View = view }) { StatusCode = problem?.Status ?? StatusCodes.Status200OK };
    }

    private static async Task<IResult> Publish(string id, HttpContext context, RequestIds ids, ProfileLibrary library)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            await library.Publish(context, id, form.Get("secrets") is not null);
            return PageForms.See($"{ProfilePaths.Of(id)}?done=published");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await ShowWith(id, context, library, problem);
        }
    }

    private static async Task<IResult> Withdraw(string id, HttpContext context, RequestIds ids, ProfileLibrary library)
    {
        await PageForms.Read(context, ids);
        await library.Withdraw(context, id);
        return PageForms.See($"{ProfilePaths.Of(id)}?done=withdrawn");
    }

    private static async Task<IResult> Offer(string id, HttpContext context, RequestIds ids, ProfileLibrary library)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            await library.SetOffer(context, id, form.All("to"), form.Get("secrets") is not null);
            return PageForms.See($"{ProfilePaths.Of(id)}?done=offered");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await ShowWith(id, context, library, problem);
        }
    }

    private static ShownPayload Shown(JsonObject payload, ProfileInspection inspection)
    {
        var type = (string?)payload["PayloadType"] ?? "";
        var known = AppleCatalogue.Instance.Payloads.GetValueOrDefault(type);
        var keys = new List<ShownKey>();
        var own = new JsonObject(payload.Where(entry => !AppleCatalogue.Instance.CommonKeys.TryGet(entry.Key, out _)).Select(entry => KeyValuePair.Create(entry.Key, entry.Value?.DeepClone())));
        Flatten(own, known is null ? KeySet.Empty : KeySet.Of(known.SelectMany(variant => variant.Keys).DistinctBy(key => key.Name)), "", "", key => CatalogueTexts.English.Payload(type, key), keys);
        return new ShownPayload(
            type, known is null ? type : CatalogueTexts.English.Payload(type).Label, (string?)payload["PayloadDisplayName"],
            inspection.Payloads.Any(one => one.Type == type && one.NeedsSupervision), keys);
    }

    /// <summary>Every value with the labels that lead to it.</summary>
    private static void Flatten(JsonObject json, KeySet keys, string label, string path, Func<CatalogueKey, CatalogueText> texts, List<ShownKey> into)
    {
        foreach (var (name, value) in json)
        {
            var key = keys.TryGet(name, out var known) ? known : null;
            Flatten(value, key, label + (key is null ? name : texts(key).Label), path.Length > 0 ? $"{path}.{name}" : name, texts, into);
        }
    }

    private static void Flatten(JsonNode? value, CatalogueKey? key, string label, string path, Func<CatalogueKey, CatalogueText> texts, List<ShownKey> into)
    {
        switch (value)
        {
            case JsonObject dictionary:
                Flatten(dictionary, key?.Keys ?? KeySet.Empty, label + " › ", path, texts, into);
                break;
            case JsonArray list when list.All(item => item is JsonValue):
                into.Add(new ShownKey(label, path, Cut(string.Join(", ", list.Select(item => Plain(item, key?.Item))))));
                break;
            case JsonArray list:
                for (var index = 0; index < list.Count; index++)
                    Flatten(list[index], key?.Item, string.Create(CultureInfo.InvariantCulture, $"{label} {index + 1}"), string.Create(CultureInfo.InvariantCulture, $"{path}[{index}]"), texts, into);
                break;
            default:
                into.Add(new ShownKey(label, path, key?.Type == KeyType.Data && value is JsonValue data && data.TryGetValue(out string? base64) && base64 != SecretAnswers.Hidden
                    ? string.Create(CultureInfo.InvariantCulture, $"{base64.Length * 3L / 4:N0} bytes")
                    : Cut(Plain(value, key))));
                break;
        }
    }

    private static string Plain(JsonNode? value, CatalogueKey? key) => value switch
    {
        null => "",
        JsonValue flag when flag.TryGetValue(out bool yes) => yes ? "yes" : "no",
        JsonValue text when text.TryGetValue(out string? plain) => plain,
        _ => key is null ? value.ToJsonString() : PayloadFields.Words(key, value.ToJsonString()),
    };

    private static string Cut(string text) => text.Length <= LongestShown ? text : text[..LongestShown] + "…";

    private static async Task<RazorComponentResult<ProfileVersionsPage>> Versions(string id, HttpContext context, ProfileLibrary library, string? after)
    {
        var view = new ProfileVersionsView(Frame(context, await library.Get(FleetUser.Of(context), id), "versions"), await library.Versions(id, after, VersionsOnPage), after is not null);
        return new RazorComponentResult<ProfileVersionsPage>(new { View = view });
    }

    private static async Task<RazorComponentResult<ProfileComparePage>> Compare(string id, HttpContext context, ProfileLibrary library, string? from, string? to) =>
        await ComparePage(id, context, library, Version("from", from), Version("to", to), null);

    private static async Task<RazorComponentResult<ProfileComparePage>> ComparePage(string id, HttpContext context, ProfileLibrary library, int from, int to, ApiProblem? problem)
    {
        var frame = Frame(context, await library.Get(FleetUser.Of(context), id), "versions", problem);
        var view = new ProfileCompareView(frame, await library.Compare(id, from, to), await library.Version(id, from));
        return new RazorComponentResult<ProfileComparePage>(new { View = view }) { StatusCode = problem?.Status ?? StatusCodes.Status200OK };
    }

    private static async Task<IResult> Restore(string id, HttpContext context, RequestIds ids, ProfileLibrary library)
    {
        var form = await PageForms.Read(context, ids);
        var version = Version("version", form.Get("version"));
        var basedOn = Version("basedOn", form.Get("basedOn"));
        try
        {
            var saved = await library.GoBack(context, id, version, basedOn, form.Get("note"));
            return PageForms.See($"{ProfilePaths.Of(saved.Id)}?done={(saved.Unchanged ? "unchanged" : "restored")}");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem) || problem.Status == StatusCodes.Status412PreconditionFailed)
        {
            return await ComparePage(id, context, library, version, (await library.Get(FleetUser.Of(context), id)).Version, problem);
        }
    }

    private static async Task<RazorComponentResult<ProfileDevicesPage>> Devices(string id, HttpContext context, ProfileLibrary library, string? state, string? after)
    {
        var profile = await library.Get(FleetUser.Of(context), id);
        state = string.IsNullOrEmpty(state) ? null : state;
        var view = new ProfileDevicesView(Frame(context, profile, "ipads"), await library.Devices(FleetUser.Of(context), id, state, after, DevicesOnPage), state, after is not null, profile.IPads);
        return new RazorComponentResult<ProfileDevicesPage>(new { View = view });
    }

    private static async Task<RazorComponentResult<ProfileDeletePage>> AskDelete(string id, HttpContext context, ProfileLibrary library, IProfileStore store) =>
        await DeletePage(id, context, library, store, FormState.Fresh);

    private static async Task<RazorComponentResult<ProfileDeletePage>> DeletePage(string id, HttpContext context, ProfileLibrary library, IProfileStore store, FormState form)
    {
        var profile = await library.Get(FleetUser.Of(context), id);
        var holders = await store.CountHolders(FleetUser.Of(context).Scope, profile.Id);
        // Used only if it is removed from them, too.
        var plan = holders > 0 ? await library.Plan(context, id, new ProfileSendRequest { Target = new ProfileTargetRequest { Holders = true } }, remove: true) : null;
        var view = new ProfileDeleteView(FleetUser.Of(context), profile, holders, plan?.Confirmation, form, PageForms.NewKey());
        return new RazorComponentResult<ProfileDeletePage>(new { View = view }) { StatusCode = form.Status };
    }

    private static async Task<IResult> Delete(string id, HttpContext context, RequestIds ids, ProfileLibrary library, IProfileStore store)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            var typed = form.Get("expected")?.Trim();
            var deleted = await library.Delete(
                context, id, typed is null ? null : Text.Number("expected", typed, 0, int.MaxValue, 0), form.Get("remove") is not null, form.Get("confirmation"),
                Version("basedOn", form.Get("basedOn")));
            return PageForms.See(deleted.OperationId is { } operation ? $"/operations/{operation}" : "/profiles?done=deleted");
        }
        catch (ApiProblem problem) when (problem.Code == ProblemCodes.NotConfirmed)
        {
            return await DeletePage(id, context, library, store, FormState.Refused(
                new ApiProblem(problem.Status, problem.Code, problem.Title, "Nothing was deleted: the page was too old. Look again, and confirm it."), form.Get));
        }
        catch (ApiProblem problem) when (problem.Found is { } found)
        {
            var words = $"Nothing was deleted. {(found == 1 ? "1 iPad has" : $"{Words.Number(found)} iPads have")} the profile: type {found.ToString(CultureInfo.InvariantCulture)}.";
            return await DeletePage(id, context, library, store, FormState.Refused(
                new ApiProblem(problem.Status, problem.Code, problem.Title, words) { Errors = new Dictionary<string, string[]> { ["expected"] = [words] } }, form.Get));
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem) || problem.Status == StatusCodes.Status412PreconditionFailed)
        {
            return await DeletePage(id, context, library, store, FormState.Refused(problem, form.Get));
        }
    }

    private static ProfileFrameView Frame(HttpContext context, ProfileSummary profile, string tab, ApiProblem? problem = null) =>
        new(FleetUser.Of(context), profile, tab, problem is null ? Done(context) : null, problem?.Message, PageForms.NewKey());

    private static string? Done(HttpContext context) => Notes.GetValueOrDefault(context.Request.Query["done"].FirstOrDefault() ?? "");

    private static int Version(string field, string? value) => value is null ? throw ApiProblem.Field(field, "It is required.") : Text.Number(field, value, 1, int.MaxValue, 1);

    /// <summary>Chooses iPads for a profile, says how many they are, and starts the operation when that was confirmed.</summary>
    internal sealed class ProfileSending(ProfileLibrary library, IProfileStore store, IFleetQueries fleet, RequestIds ids, TimeProvider time)
    {
        private const string All = "all";
        private const string Holders = "holders";
        private const string Filter = "filter";
        private const string Ids = "ids";

        public Task<RazorComponentResult<ProfileSendPage>> Ask(string id, HttpContext context, bool remove) =>
            Page(id, context, remove, context.Request.Query["ids"].FirstOrDefault() is { Length: > 0 } given ? (Ids, null, given) : (remove ? Holders : "", null, null), force: false, null, FormState.Fresh);

        public async Task<IResult> Send(string id, HttpContext context, bool remove)
        {
            var form = await PageForms.Read(context, ids);
            var chosen = (Target: form.Get("target") ?? "", Filter: form.Get("filter"), Ids: form.Get("ids"));
            var force = form.Get("force") is not null;
            ProfileTargetRequest? target = null;
            try
            {
                target = chosen.Target switch
                {
                    All => new ProfileTargetRequest { All = true },
                    Holders => new ProfileTargetRequest { Holders = true },
                    Filter => new ProfileTargetRequest { Filter = new DeviceFilterRequest { Filter = chosen.Filter ?? throw ApiProblem.Field("filter", "Say which iPads, as in os<18 and school:North.") } },
                    Ids => new ProfileTargetRequest { Ids = await DeviceNames.Find(fleet, FleetUser.Of(context).Scope, "ids", chosen.Ids) },
                    _ => throw ApiProblem.Field("target", "Choose which iPads."),
                };
                // Whoever wrote a filter beside "All enrolled iPads" means the filter, and must not reach all.
                if (chosen.Target != Filter && chosen.Filter is not null) throw ApiProblem.Field("filter", "You wrote a filter, but chose other iPads above. Choose \"Those that a filter finds\", or empty this field.");
                if (chosen.Target != Ids && chosen.Ids is not null) throw ApiProblem.Field("ids", "You named iPads, but chose others above. Choose \"Single iPads\", or empty this field.");
                // First what would happen to how many; then, with that number, it happens.
                if (form.Get("expected") is not { } expected)
                    return await Page(id, context, remove, chosen, force, target, FormState.Fresh);
                var request = new ProfileSendRequest { Target = target, Expected = Text.Number("expected", expected, 0, int.MaxValue, 0), Confirmation = form.Get("confirmation"), Force = force };
                var started = await (remove ? library.Remove(context, id, request) : library.Install(context, id, request));
                return PageForms.See($"/operations/{started.Id}");
            }
            catch (ApiProblem problem) when (PageForms.CanShow(problem))
            {
                // What is wrong with the confirmation is mended where it is confirmed; the rest, where iPads are chosen.
                var again = target is not null && form.Get("expected") is not null && (problem.Found is not null || problem.Code == ProblemCodes.NotConfirmed || problem.Errors?.ContainsKey("expected") == true);
                return await Page(id, context, remove, chosen, force, again ? target : null, FormState.Refused(InWords(problem), form.Get));
            }
        }

        private static ApiProblem InWords(ApiProblem problem) => problem.Code == ProblemCodes.NotConfirmed
            ? new ApiProblem(problem.Status, problem.Code, problem.Title, "Nothing was started: the page was too old. Look again, and confirm it.")
            : problem.Found is { } found
            ? new ApiProblem(problem.Status, problem.Code, problem.Title, $"Nothing was started: there are {DeviceOrders.IPads(found)} by now. Look again, and confirm that.")
            : problem;

        /// <param name="counted">What was chosen, to be confirmed; null: it is chosen now.</param>
        private async Task<RazorComponentResult<ProfileSendPage>> Page(
            string id, HttpContext context, bool remove, (string Target, string? Filter, string? Ids) chosen, bool force, ProfileTargetRequest? counted, FormState form)
        {
            var profile = await library.Get(FleetUser.Of(context), id);
            var user = FleetUser.Of(context);
            OperationPlanView? plan = null;
            IReadOnlyList<DeviceRow> rows = [];
            if (counted is not null)
            {
                plan = await library.Plan(context, id, new ProfileSendRequest { Target = counted, Force = force }, remove);
                rows = chosen.Target switch
                {
                    Holders => [],
                    Ids => await DeviceNames.Rows(fleet, user.Scope, counted.Ids!.Take(Examples)),
                    _ => await Matching(user.Scope, new DeviceFilter { Expression = DeviceFilters.Read("filter", chosen.Target == Filter ? chosen.Filter : null, time.GetUtcNow()) }),
                };
            }

            var view = new ProfileSendView(
                user, profile, remove, chosen.Target, chosen.Filter, chosen.Ids, force, plan, [.. rows.Take(Examples).Select(row => DeviceSummary.Of(row, user))],
                await store.CountHolders(FleetUser.Of(context).Scope, profile.Id), form, PageForms.NewKey());
            return new RazorComponentResult<ProfileSendPage>(new { View = view }) { StatusCode = form.Status };
        }

        private async Task<IReadOnlyList<DeviceRow>> Matching(Scope scope, DeviceFilter filter) => await fleet.ListDevices(
            scope, filter with { Status = EnrolmentStatus.Enrolled, Kind = EnrolmentKind.Device }, null, Examples, new DeviceOrder(DeviceSort.Name));
    }
}
