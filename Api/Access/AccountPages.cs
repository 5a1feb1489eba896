using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.People;
using FleetMdm.Api.Rest;
using FleetMdm.Api.Schools;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Access;

/// <summary>Accounts in the console, for administrators.</summary>
internal static class AccountPages
{
    private const int RowsOnPage = 100;

    /// <summary>People who were looked for: more are found by more letters.</summary>
    private const int MostFound = 20;

    public static void MapPages(RouteGroupBuilder pages)
    {
        var accounts = pages.MapGroup("/accounts").Needs(Rights.AccountRead);
        accounts.MapGet("", List);
        accounts.MapGet("/new", AskCreate).Needs(Rights.AccountChange);
        accounts.MapGet("/{id}", Show);
        accounts.MapGet("/{id}/edit", AskChange).Needs(Rights.AccountChange);
        accounts.MapGet("/{id}/delete", AskDelete).Needs(Rights.AccountChange);
        accounts.MapPost("", Create).Needs(Rights.AccountChange).Audit(AuditVerbs.AccountCreate, AuditTargets.Account, AuditPlace.WithTheChange);
        accounts.MapPost("/{id}/edit", Change).Needs(Rights.AccountChange).Audit(AuditVerbs.AccountChange, AuditTargets.Account, AuditPlace.WithTheChange);
        accounts.MapPost("/{id}/person", SetPerson).Needs(Rights.AccountChange, Rights.PeopleRead).Audit(AuditVerbs.AccountChange, AuditTargets.Account, AuditPlace.WithTheChange);
        accounts.MapPost("/{id}/delete", Delete).Needs(Rights.AccountChange).Audit(AuditVerbs.AccountDelete, AuditTargets.Account, AuditPlace.WithTheChange);
        accounts.MapPost("/{id}/password-link", MakeLink).Needs(Rights.AccountChange).Audit(AuditVerbs.AccountLink, AuditTargets.Account, AuditPlace.WithTheChange);
        accounts.MapPost("/{id}/passkeys/remove", RemovePasskeys).Needs(Rights.AccountChange).Audit(AuditVerbs.AccountPasskeyRemove, AuditTargets.Account, AuditPlace.WithTheChange);
        accounts.MapPost("/{id}/totp/remove", RemoveTotp).Needs(Rights.AccountChange).Audit(AuditVerbs.AccountTotpRemove, AuditTargets.Account, AuditPlace.WithTheChange);
        accounts.MapPost("/{id}/sessions/end", EndSessions).Needs(Rights.AccountChange).Audit(AuditVerbs.SessionEnd, AuditTargets.Account);
    }

    private static async Task<RazorComponentResult<AccountsPage>> List(
        HttpContext context, AccountService service, RoleService roles, string? q, string? after, string? done)
    {
        var user = FleetUser.Of(context);
        return new(new
        {
            User = user,
            Accounts = await service.List(user, q, PeoplePages.Set(after), RowsOnPage),
            Titles = (await roles.List()).ToDictionary(role => role.Name, role => role.Title),
            Query = new ListQuery("/accounts", ("q", PeoplePages.Set(q))),
            IsLaterPage = PeoplePages.Set(after) is not null,
            Done = done == "deleted" ? "The account is deleted." : null,
        });
    }

    private static async Task<IResult> Show(string id, HttpContext context, AccountService service, RoleService roles, SchoolService schools, string? done) =>
        await Page(id, context, service, roles, schools, FormState.Fresh, null, done switch
        {
            "saved" => "The account is saved.",
            "linked" => "It is saved whose account it is.",
            "totp" => "The second step is removed.",
            "passkeys" => "The passkeys are removed. The person signs in with the password.",
            "sessions" => "All sessions of this person have ended.",
            _ => null,
        });

    /// <param name="context">Of the request.</param>
    /// <param name="roles">The room.</param>
    /// <param name="schools">The room.</param>
    /// <param name="people">The room.</param>
    /// <param name="person">The id of a person whom it is for: what is known of them stands in the form.</param>
    private static async Task<RazorComponentResult<AccountFormPage>> AskCreate(HttpContext context, RoleService roles, SchoolService schools, PeopleService people, string? person)
    {
        var user = FleetUser.Of(context);
        if (PeoplePages.Set(person) is not { } id || !user.May(Rights.PeopleRead)) return await Form(context, roles, schools, null, FormState.Fresh, []);
        var known = await people.Get(user, id);
        return await Form(context, roles, schools, null, FormState.Looked(field => field switch
        {
            "userName" => known.Email ?? known.ManagedAccount ?? known.Username,
            "name" => known.Name,
            "role" => known.Role == "teacher" ? Roles.Teacher : Roles.SelfService,
            "personId" => known.Id,
            _ => null,
        }), []);
    }

    private static async Task<RazorComponentResult<AccountFormPage>> AskChange(string id, HttpContext context, AccountService service, RoleService roles, SchoolService schools)
    {
        var account = await service.Get(FleetUser.Of(context), id);
        return await Form(context, roles, schools, account, FormState.Fresh, account.SchoolIds ?? []);
    }

    private static async Task<RazorComponentResult<AccountDeletePage>> AskDelete(string id, HttpContext context, AccountService service) =>
        new(new { User = FleetUser.Of(context), Account = await service.Get(FleetUser.Of(context), id), FormKey = PageForms.NewKey() });

    /// <summary>The page itself holds the link: a redirect would have to carry it.</summary>
    private static async Task<IResult> Create(HttpContext context, RequestIds ids, AccountService service, RoleService roles, SchoolService schools)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            var made = await service.Create(context, Read(form, null));
            return await Page(made.Account.Id, context, service, roles, schools, FormState.Fresh, made.PasswordLink, "The account is created.");
        }
        catch (ApiProblem problem) when (CanShow(problem))
        {
            return await Form(context, roles, schools, null, FormState.Refused(problem, form.Get), form.All("schools"));
        }
    }

    private static async Task<IResult> Change(string id, HttpContext context, RequestIds ids, AccountService service, RoleService roles, SchoolService schools)
    {
        var form = await PageForms.Read(context, ids);
        var standing = await service.Get(FleetUser.Of(context), id);
        try
        {
            await service.Change(context, id, PageForms.Number(form, "version"), Read(form, standing));
            return PageForms.See($"/accounts/{standing.Id}?done=saved");
        }
        catch (ApiProblem problem) when (CanShow(problem) || problem.Code == ProblemCodes.Changed)
        {
            return await Form(context, roles, schools, standing, FormState.Refused(problem, form.Get), form.All("schools"));
        }
    }

    /// <summary>Whose account it is. Empty: nobody's any more.</summary>
    private static async Task<IResult> SetPerson(string id, HttpContext context, RequestIds ids, AccountService service, RoleService roles, SchoolService schools)
    {
        var form = await PageForms.Read(context, ids);
        var standing = await service.Get(FleetUser.Of(context), id);
        try
        {
            await service.Change(context, id, PageForms.Number(form, "version"), new AccountRequest
            {
                UserName = standing.UserName,
                Name = standing.Name,
                Role = standing.Role,
                SchoolIds = standing.SchoolIds,
                Disabled = standing.Disabled,
                PersonId = form.Get("personId"),
            });
            return PageForms.See($"/accounts/{standing.Id}?done=linked");
        }
        catch (ApiProblem problem) when (CanShow(problem))
        {
            return await Page(id, context, service, roles, schools, FormState.Refused(problem), null, null);
        }
    }

    private static async Task<IResult> Delete(string id, HttpContext context, RequestIds ids, AccountService service)
    {
        await PageForms.Read(context, ids);
        try
        {
            await service.Delete(context, id);
            return PageForms.See("/accounts?done=deleted");
        }
        catch (ApiProblem problem) when (CanShow(problem))
        {
            var user = FleetUser.Of(context);
            return new RazorComponentResult<AccountDeletePage>(new { User = user, Account = await service.Get(user, id), FormKey = PageForms.NewKey(), Form = FormState.Refused(problem) })
            {
                StatusCode = problem.Status,
            };
        }
    }

    private static async Task<IResult> MakeLink(string id, HttpContext context, RequestIds ids, AccountService service, RoleService roles, SchoolService schools)
    {
        await PageForms.Read(context, ids);
        try
        {
            var (account, link) = await service.MakeLink(context, id);
            return await Page(account.Id, context, service, roles, schools, FormState.Fresh, link, null);
        }
        catch (ApiProblem problem) when (CanShow(problem))
        {
            return await Page(id, context, service, roles, schools, FormState.Refused(problem), null, null);
        }
    }

    private static async Task<IResult> RemoveTotp(string id, HttpContext context, RequestIds ids, AccountService service)
    {
        await PageForms.Read(context, ids);
        await service.RemoveTotp(context, id);
        return PageForms.See($"/accounts/{Uri.EscapeDataString(id)}?done=totp");
    }

    private static async Task<IResult> RemovePasskeys(string id, HttpContext context, RequestIds ids, AccountService service)
    {
        await PageForms.Read(context, ids);
        await service.RemovePasskeys(context, id);
        return PageForms.See($"/accounts/{Uri.EscapeDataString(id)}?done=passkeys");
    }

    private static async Task<IResult> EndSessions(string id, HttpContext context, RequestIds ids, AccountService service)
    {
        await PageForms.Read(context, ids);
        await service.EndSessions(context, id);
        return PageForms.See($"/accounts/{Uri.EscapeDataString(id)}?done=sessions");
    }

    private static async Task<RazorComponentResult<AccountPage>> Page(
        string id, HttpContext context, AccountService service, RoleService roles, SchoolService schools, FormState form, PasswordLinkView? link, string? done)
    {
        var user = FleetUser.Of(context);
        var account = await service.Get(user, id);
        var people = context.RequestServices.GetRequiredService<PeopleService>();
        var q = user.May(Rights.AccountChange) && user.May(Rights.PeopleRead) ? PeoplePages.Set(context.Request.Query["q"]) : null;
        var names = account.SchoolIds is null ? [] : (await PeoplePages.Choices(user, schools)).ToDictionary(one => one.Value, one => one.Words);
        return new(new
        {
            User = user,
            Account = account,
            Role = await roles.Find(account.Role),
            Schools = account.SchoolIds?.Select(school => names.GetValueOrDefault(school, school)).ToList(),
            Sessions = await service.Sessions(user, account.Id),
            Link = link,
            Person = account.PersonId is { } person && user.May(Rights.PeopleRead) ? await people.Find(user, person) : null,
            Q = q,
            Found = q is null ? [] : (await people.List(user, PeopleService.Filter(q, null, null, active: true), null, MostFound)).Items,
            Form = form,
            FormKey = PageForms.NewKey(),
            Done = done,
        })
        { StatusCode = form.Status };
    }

    /// <summary>Offers the roles that the reader can give.</summary>
    private static async Task<RazorComponentResult<AccountFormPage>> Form(
        HttpContext context, RoleService roles, SchoolService schools, AccountView? account, FormState form, IReadOnlyList<string> chosen)
    {
        var user = FleetUser.Of(context);
        return new(new
        {
            User = user,
            Account = account,
            Roles = (await roles.List()).Where(role => role.Rights.All(user.May)).ToList(),
            Schools = await PeoplePages.Choices(user, schools),
            Chosen = chosen,
            Form = form,
            FormKey = PageForms.NewKey(),
        })
        { StatusCode = form.Status };
    }

    private static AccountRequest Read(FormBody form, AccountView? standing) => new()
    {
        UserName = form.Get("userName") ?? "",
        Name = form.Get("name") ?? "",
        Role = form.Get("role") ?? "",
        SchoolIds = form.All("schools") is { Count: > 0 } schools ? schools : null,
        Disabled = form.Get("disabled") is not null,
        // Of one that stands, its page asks for it.
        PersonId = standing is null ? form.Get("personId") : standing.PersonId,
    };

    private static bool CanShow(ApiProblem problem) => PageForms.CanShow(problem) || problem.Status == StatusCodes.Status403Forbidden;
}
