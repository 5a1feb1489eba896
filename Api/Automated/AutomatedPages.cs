using System.Globalization;
using System.Text;
using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Groups;
using FleetMdm.Api.People;
using FleetMdm.Api.Rest;
using FleetMdm.Api.Schools;
using FleetMdm.Protocol.Automated;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Automated;

/// <summary>The pages of Automated Device Enrolment: services, iPads, enrolment profiles, iPads that are held.</summary>
internal static class AutomatedPages
{
    private const int RowsOnPage = 100;
    private const int RowsOfExport = 1_000;

    public static void MapPages(RouteGroupBuilder pages)
    {
        pages.MapGet("/automated", Servers).Needs(Rights.AutomatedRead);
        pages.MapGet("/automated/new", AskCreate).Needs(Rights.AutomatedChange);
        pages.MapPost("/automated", Create).Needs(Rights.AutomatedChange).Audit(AuditVerbs.AutomatedCreate, AuditTargets.AutomatedServer, AuditPlace.WithTheChange);
        pages.MapGet("/automated/servers/{id}", Server).Needs(Rights.AutomatedRead);
        pages.MapGet("/automated/servers/{id}/certificate.pem", Certificate).Needs(Rights.AutomatedRead);
        pages.MapPost("/automated/servers/{id}/edit", Change).Needs(Rights.AutomatedChange).Audit(AuditVerbs.AutomatedChange, AuditTargets.AutomatedServer, AuditPlace.WithTheChange);
        pages.MapPost("/automated/servers/{id}/token", TakeToken).Needs(Rights.AutomatedChange).Audit(AuditVerbs.AutomatedToken, AuditTargets.AutomatedServer);
        pages.MapPost("/automated/servers/{id}/key", NewKey).Needs(Rights.AutomatedChange).Audit(AuditVerbs.AutomatedKey, AuditTargets.AutomatedServer, AuditPlace.WithTheChange);
        pages.MapPost("/automated/servers/{id}/sync", Sync).Needs(Rights.AutomatedChange).Audit(AuditVerbs.AutomatedSync, AuditTargets.AutomatedServer);
        pages.MapGet("/automated/servers/{id}/delete", AskDelete).Needs(Rights.AutomatedChange);
        pages.MapPost("/automated/servers/{id}/delete", Delete).Needs(Rights.AutomatedChange).Audit(AuditVerbs.AutomatedDelete, AuditTargets.AutomatedServer, AuditPlace.WithTheChange);
        pages.MapGet("/automated/devices", Devices).Needs(Rights.AutomatedRead);
        pages.MapGet("/automated/devices.csv", Export).Needs(Rights.AutomatedRead);
        pages.MapGet("/automated/devices/{serialNumber}", Device).Needs(Rights.AutomatedRead);
        pages.MapPost("/automated/devices/{serialNumber}", Choose).Needs(Rights.AutomatedChange).Audit(AuditVerbs.AutomatedChoose, AuditTargets.Placeholder, AuditPlace.WithTheChange);
        pages.MapGet("/automated/profiles", Profiles).Needs(Rights.AutomatedRead);
        pages.MapGet("/automated/profiles/new", AskProfile).Needs(Rights.AutomatedChange);
        pages.MapPost("/automated/profiles", CreateProfile).Needs(Rights.AutomatedChange).Audit(AuditVerbs.AutomatedProfileCreate, AuditTargets.AutomatedProfile, AuditPlace.WithTheChange);
        pages.MapGet("/automated/profiles/{id}", AskChangeProfile).Needs(Rights.AutomatedRead);
        pages.MapPost("/automated/profiles/{id}", ChangeProfile).Needs(Rights.AutomatedChange).Audit(AuditVerbs.AutomatedProfileChange, AuditTargets.AutomatedProfile, AuditPlace.WithTheChange);
        pages.MapPost("/automated/profiles/{id}/delete", DeleteProfile).Needs(Rights.AutomatedChange).Audit(AuditVerbs.AutomatedProfileDelete, AuditTargets.AutomatedProfile, AuditPlace.WithTheChange);
        pages.MapPost("/automated/schools", ChooseForSchool).Needs(Rights.AutomatedChange).Audit(AuditVerbs.AutomatedChoose, AuditTargets.School, AuditPlace.WithTheChange);
        pages.MapGet("/automated/groups/{id}", AskForGroup).Needs(Rights.AutomatedRead);
        pages.MapPost("/automated/groups/{id}", ChooseForGroup).Needs(Rights.AutomatedChange).Audit(AuditVerbs.AutomatedChoose, AuditTargets.Group, AuditPlace.WithTheChange);
        pages.MapGet("/automated/held", Held).Needs(Rights.AutomatedRead);
        pages.MapPost("/automated/held/{id}/dismiss", Dismiss).Needs(Rights.AutomatedChange).Audit(AuditVerbs.AutomatedDismiss, AuditTargets.Device, AuditPlace.WithTheChange);
    }

    private static async Task<RazorComponentResult<AutomatedServersPage>> Servers(HttpContext context, AutomatedService service, string? done)
    {
        var user = FleetUser.Of(context);
        return new(new { User = user, Servers = (await service.List(user)).Items, Migrations = await service.Migrations(user), Done = done == "deleted" ? "The service is removed. Its iPads stay on the list, as released." : null });
    }

    private static async Task<RazorComponentResult<AutomatedNewPage>> AskCreate(HttpContext context, AutomatedProfileService profiles) => await NewPage(context, profiles, FormState.Fresh);

    private static async Task<RazorComponentResult<AutomatedNewPage>> NewPage(HttpContext context, AutomatedProfileService profiles, FormState form) =>
        new(new { User = FleetUser.Of(context), Profiles = await Options(context, profiles), FormKey = PageForms.NewKey(), Form = form }) { StatusCode = form.Status };

    private static async Task<IResult> Create(HttpContext context, RequestIds ids, AutomatedService service, AutomatedProfileService profiles)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            var server = await service.Create(context, new AutomatedServerRequest { Name = form.Get("name") ?? "", ProfileId = form.Get("profileId") });
            return PageForms.See($"/automated/servers/{server.Id}?done=created");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await NewPage(context, profiles, FormState.Refused(problem, form.Get));
        }
    }

    private static Task<RazorComponentResult<AutomatedServerPage>> Server(string id, HttpContext context, AutomatedService service, AutomatedProfileService profiles, string? done) =>
        ServerPage(id, context, service, profiles, FormState.Fresh, done switch
        {
            "created" => "The service is added. Go on with step 1.",
            "token" => "The server token is taken. The list of iPads is being fetched.",
            "terms" => "The server token is taken, and Apple has new terms: somebody with the role Administrator signs in to Apple School Manager and accepts them. Then it goes on by itself.",
            "key" => "A new key is made. Upload its certificate in Apple School Manager, and then download the token.",
            "saved" => "The service is saved.",
            "asked" => "Apple is being asked. Load the page again in a moment.",
            _ => null,
        });

    private static async Task<RazorComponentResult<AutomatedServerPage>> ServerPage(
        string id, HttpContext context, AutomatedService service, AutomatedProfileService profiles, FormState form, string? done = null)
    {
        var user = FleetUser.Of(context);
        return new(new { User = user, Server = await service.Get(user, id), Profiles = await Options(context, profiles), FormKey = PageForms.NewKey(), Form = form, Done = done }) { StatusCode = form.Status };
    }

    private static async Task<FileContentHttpResult> Certificate(string id, HttpContext context, AutomatedService service)
    {
        var (name, pem) = await service.Certificate(FleetUser.Of(context), id);
        return TypedResults.File(pem, "application/x-pem-file", name);
    }

    private static async Task<IResult> Change(string id, HttpContext context, RequestIds ids, AutomatedService service, AutomatedProfileService profiles)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            await service.Change(context, id, PageForms.Number(form, "version"), new AutomatedServerRequest { Name = form.Get("name") ?? "", ProfileId = form.Get("profileId") });
            return PageForms.See($"/automated/servers/{id}?done=saved");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem) || problem.Code == ProblemCodes.Changed)
        {
            return await ServerPage(id, context, service, profiles, FormState.Refused(problem, form.Get));
        }
    }

    private static async Task<IResult> TakeToken(string id, HttpContext context, RequestIds ids, AutomatedService service, AutomatedProfileService profiles)
    {
        try
        {
            var form = await UploadForm.Read(context, ids, ServerToken.MaxFileBytes);
            var taken = await service.TakeToken(context, id, await form.File("token", context.RequestAborted) ?? []);
            return PageForms.See($"/automated/servers/{id}?done={(taken.Note is null ? "token" : "terms")}");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem) || problem.Status is StatusCodes.Status413PayloadTooLarge or StatusCodes.Status503ServiceUnavailable)
        {
            return await ServerPage(id, context, service, profiles, FormState.Refused(problem));
        }
    }

    private static async Task<IResult> NewKey(string id, HttpContext context, RequestIds ids, AutomatedService service)
    {
        await PageForms.Read(context, ids);
        await service.NewKey(context, id);
        return PageForms.See($"/automated/servers/{id}?done=key");
    }

    private static async Task<IResult> Sync(string id, HttpContext context, RequestIds ids, AutomatedService service, AutomatedProfileService profiles)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            await service.Sync(context, id, form.Get("all") is not null);
            return PageForms.See($"/automated/servers/{id}?done=asked");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await ServerPage(id, context, service, profiles, FormState.Refused(problem));
        }
    }

    private static async Task<RazorComponentResult<AutomatedDeletePage>> AskDelete(string id, HttpContext context, AutomatedService service) =>
        new(new { User = FleetUser.Of(context), Server = await service.Get(FleetUser.Of(context), id), FormKey = PageForms.NewKey() });

    private static async Task<IResult> Delete(string id, HttpContext context, RequestIds ids, AutomatedService service)
    {
        var form = await PageForms.Read(context, ids);
        var server = await service.Get(FleetUser.Of(context), id);
        if (form.Get("confirm")?.Trim() != server.Name)
        {
            var problem = ApiProblem.Field("confirm", $"Type the name of the service: {server.Name}");
            return new RazorComponentResult<AutomatedDeletePage>(new { User = FleetUser.Of(context), Server = server, FormKey = PageForms.NewKey(), Form = FormState.Refused(problem) }) { StatusCode = problem.Status };
        }

        await service.Delete(context, id);
        return PageForms.See("/automated?done=deleted");
    }

    private static async Task<RazorComponentResult<AutomatedDevicesPage>> Devices(
        HttpContext context, AutomatedService service, string? server, string? state, string? school, string? migration, string? q, string? after)
    {
        var user = FleetUser.Of(context);
        var query = new ListQuery("/automated/devices", ("server", PeoplePages.Set(server)), ("state", PeoplePages.Set(state)), ("school", PeoplePages.Set(school)),
            ("migration", PeoplePages.Set(migration)), ("q", PeoplePages.Set(q)));
        return new(new
        {
            User = user,
            Devices = await service.Devices(user, query["server"], query["state"], query["school"], query["migration"], query["q"], PeoplePages.Set(after), RowsOnPage),
            Servers = (await service.List(user)).Items,
            Query = query,
            IsLaterPage = PeoplePages.Set(after) is not null,
        });
    }

    /// <summary>Page by page from the store: a list of any length costs the memory of one page.</summary>
    private static async Task Export(HttpContext context, AutomatedService service, string? server, string? state, string? school, string? migration, string? q)
    {
        var user = FleetUser.Of(context);
        Task<Page<AutomatedDeviceView>> Next(string? after) => service.Devices(
            user, PeoplePages.Set(server), PeoplePages.Set(state), PeoplePages.Set(school), PeoplePages.Set(migration), PeoplePages.Set(q), after, RowsOfExport);
        var page = await Next(null);
        context.Response.ContentType = Csv.ContentType;
        context.Response.Headers.ContentDisposition = "attachment; filename=\"automated-enrolment.csv\"";
        context.Response.Headers.CacheControl = "no-store";
        var text = new StringBuilder();
        Csv.Row(text, "serialNumber", "server", "state", "reason", "profile", "profileStatus", "model", "color", "assetTag", "name", "school", "assignedAt", "releasedAt", "askedAt", "answer", "migration",
            "migrationDeadline");
        while (true)
        {
            foreach (var one in page.Items)
            {
                Csv.Row(text, one.SerialNumber, one.Server, one.State, one.Reason, one.WantedProfile, one.ProfileStatus, one.Model, one.Color, one.AssetTag, one.Name, one.School, Csv.Time(one.AssignedAt),
                    Csv.Time(one.ReleasedAt), Csv.Time(one.AskedAt), one.Answer, one.Migration, Csv.Time(one.MigrationDeadline));
            }

            await context.Response.WriteAsync(text.ToString(), context.RequestAborted);
            if (page.Next is null) return;
            text.Clear();
            page = await Next(page.Next);
        }
    }

    private static Task<RazorComponentResult<AutomatedDevicePage>> Device(string serialNumber, HttpContext context, AutomatedService service, AutomatedProfileService profiles, string? done) =>
        DevicePage(serialNumber, context, service, profiles, FormState.Fresh, done == "saved" ? "The enrolment profile is chosen. It is assigned at Apple within minutes." : null);

    private static async Task<RazorComponentResult<AutomatedDevicePage>> DevicePage(
        string serialNumber, HttpContext context, AutomatedService service, AutomatedProfileService profiles, FormState form, string? done = null)
    {
        var user = FleetUser.Of(context);
        return new(new { User = user, Device = await service.Device(user, serialNumber), Profiles = await Options(context, profiles), FormKey = PageForms.NewKey(), Form = form, Done = done }) { StatusCode = form.Status };
    }

    private static async Task<IResult> Choose(string serialNumber, HttpContext context, RequestIds ids, AutomatedService service, AutomatedProfileService profiles)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            await service.Choose(context, serialNumber, form.Get("profileId"));
            return PageForms.See($"/automated/devices/{serialNumber}?done=saved");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await DevicePage(serialNumber, context, service, profiles, FormState.Refused(problem, form.Get));
        }
    }

    private static Task<RazorComponentResult<AutomatedProfilesPage>> Profiles(HttpContext context, AutomatedProfileService profiles, SchoolService schools, string? done) =>
        ProfilesPage(context, profiles, schools, FormState.Fresh, done switch
        {
            "created" => "The enrolment profile is created. Choose it for a service, a school, a group or an iPad.",
            "saved" => "The enrolment profile is saved. It is assigned anew at Apple within minutes.",
            "deleted" => "The enrolment profile is deleted.",
            "school" => "The enrolment profile of the school is chosen.",
            _ => null,
        });

    private static async Task<RazorComponentResult<AutomatedProfilesPage>> ProfilesPage(HttpContext context, AutomatedProfileService profiles, SchoolService schools, FormState form, string? done = null)
    {
        var user = FleetUser.Of(context);
        return new(new
        {
            User = user,
            Profiles = (await profiles.List(user)).Items,
            OfSchools = (await profiles.Schools(user)).Items,
            OfGroups = (await profiles.Groups(user)).Items,
            Schools = await PeoplePages.Choices(user, schools, null, null),
            FormKey = PageForms.NewKey(),
            Form = form,
            Done = done,
        })
        { StatusCode = form.Status };
    }

    private static RazorComponentResult<AutomatedProfileFormPage> AskProfile(HttpContext context) => ProfileForm(context, null, FormState.Fresh);

    private static async Task<RazorComponentResult<AutomatedProfileFormPage>> AskChangeProfile(string id, HttpContext context, AutomatedProfileService profiles) =>
        ProfileForm(context, await profiles.Get(FleetUser.Of(context), id), FormState.Fresh);

    private static RazorComponentResult<AutomatedProfileFormPage> ProfileForm(HttpContext context, AutomatedProfileView? profile, FormState form, IReadOnlyList<string>? items = null) =>
        new(new { User = FleetUser.Of(context), Profile = profile, Items = items ?? profile?.SkipSetupItems ?? [.. SetupItems.All.Select(item => item.Key)], FormKey = PageForms.NewKey(), Form = form })
        { StatusCode = form.Status };

    private static async Task<IResult> CreateProfile(HttpContext context, RequestIds ids, AutomatedProfileService profiles)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            await profiles.Create(context, ReadProfile(form));
            return PageForms.See("/automated/profiles?done=created");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return ProfileForm(context, null, FormState.Refused(problem, form.Get), form.All("skip"));
        }
    }

    private static async Task<IResult> ChangeProfile(string id, HttpContext context, RequestIds ids, AutomatedProfileService profiles)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            await profiles.Change(context, id, PageForms.Number(form, "version"), ReadProfile(form));
            return PageForms.See("/automated/profiles?done=saved");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem) || problem.Code == ProblemCodes.Changed)
        {
            return ProfileForm(context, await profiles.Get(FleetUser.Of(context), id), FormState.Refused(problem, form.Get), form.All("skip"));
        }
    }

    private static async Task<IResult> DeleteProfile(string id, HttpContext context, RequestIds ids, AutomatedProfileService profiles)
    {
        await PageForms.Read(context, ids);
        try
        {
            await profiles.Delete(context, id);
            return PageForms.See("/automated/profiles?done=deleted");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return ProfileForm(context, await profiles.Get(FleetUser.Of(context), id), FormState.Refused(problem));
        }
    }

    private static AutomatedProfileRequest ReadProfile(FormBody form) => new()
    {
        Name = form.Get("name") ?? "",
        Mandatory = form.Get("mandatory") is not null,
        Removable = form.Get("removable") is not null,
        Supervised = form.Get("supervised") is not null,
        AwaitConfiguration = form.Get("awaitConfiguration") is not null,
        AutoAdvance = form.Get("autoAdvance") is not null,
        SignIn = form.Get("signIn") is not null,
        SharedIPad = form.Get("sharedIPad") is not null,
        SkipSetupItems = [.. form.All("skip"), .. (form.Get("skipSetupItems") ?? "").Split([',', ' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries)],
        Department = form.Get("department"),
        SupportPhone = form.Get("supportPhone"),
        SupportEmail = form.Get("supportEmail"),
        Language = form.Get("language"),
        Region = form.Get("region"),
        MinimumOsVersion = form.Get("minimumOsVersion")?.Trim(),
    };

    private static async Task<IResult> ChooseForSchool(HttpContext context, RequestIds ids, AutomatedProfileService profiles, SchoolService schools)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            await profiles.ChooseForSchool(context, form.Get("schoolId") ?? throw ApiProblem.Field("schoolId", "Choose a school."), form.Get("profileId"));
            return PageForms.See("/automated/profiles?done=school");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await ProfilesPage(context, profiles, schools, FormState.Refused(problem, form.Get));
        }
    }

    private static Task<RazorComponentResult<AutomatedGroupPage>> AskForGroup(string id, HttpContext context, AutomatedProfileService profiles, GroupService groups) =>
        GroupPage(id, context, profiles, groups, FormState.Fresh);

    private static async Task<RazorComponentResult<AutomatedGroupPage>> GroupPage(string id, HttpContext context, AutomatedProfileService profiles, GroupService groups, FormState form)
    {
        var user = FleetUser.Of(context);
        var group = await groups.Get(user, id);
        return new(new
        {
            User = user,
            Group = group,
            Chosen = (await profiles.Groups(user)).Items.FirstOrDefault(one => one.GroupId == group.Id),
            Profiles = await Options(context, profiles),
            FormKey = PageForms.NewKey(),
            Form = form,
        })
        { StatusCode = form.Status };
    }

    private static async Task<IResult> ChooseForGroup(string id, HttpContext context, RequestIds ids, AutomatedProfileService profiles, GroupService groups)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            var priority = form.Get("priority")?.Trim() is { Length: > 0 } typed ? int.TryParse(typed, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0 : (int?)null;
            await profiles.ChooseForGroup(context, id, new AutomatedGroupRequest { ProfileId = form.Get("profileId"), Priority = priority });
            return PageForms.See($"/groups/{Uri.EscapeDataString(id)}?done=profile");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await GroupPage(id, context, profiles, groups, FormState.Refused(problem, form.Get));
        }
    }

    private static async Task<RazorComponentResult<AutomatedHeldPage>> Held(HttpContext context, AutomatedService service, string? state, string? after, string? done)
    {
        var user = FleetUser.Of(context);
        var shown = PeoplePages.Set(state);
        return new(new
        {
            User = user,
            Held = await service.Held(user, shown, PeoplePages.Set(after), RowsOnPage),
            State = shown,
            IsLaterPage = PeoplePages.Set(after) is not null,
            FormKey = PageForms.NewKey(),
            Done = done == "dismissed" ? "The iPad is off the list." : null,
        });
    }

    private static async Task<IResult> Dismiss(string id, HttpContext context, RequestIds ids, AutomatedService service)
    {
        await PageForms.Read(context, ids);
        await service.Dismiss(context, id);
        return PageForms.See("/automated/held?done=dismissed");
    }

    private static async Task<IReadOnlyList<(string Value, string Words)>> Options(HttpContext context, AutomatedProfileService profiles) =>
        [("", "None"), .. (await profiles.List(FleetUser.Of(context))).Items.Select(profile => (profile.Id, profile.Name))];
}
