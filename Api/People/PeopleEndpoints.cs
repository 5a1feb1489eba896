using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace FleetMdm.Api.People;

/// <summary><c>/api/v1/people</c> and <c>/api/v1/classes</c>.</summary>
internal static class PeopleEndpoints
{
    public static void MapRest(RouteGroupBuilder api)
    {
        var people = api.MapGroup("/people").Needs(Rights.PeopleRead).WithinSchools().WithTags("People");
        people.MapGet("", List).WithQuery("q", "school", "role", "active", "after", "limit").Fails(400);
        people.MapPost("", Create).Needs(Rights.PeopleChange).Takes<PersonRequest>().Idempotent()
            .Audit(AuditVerbs.PersonCreate, AuditTargets.Person, AuditPlace.WithTheChange).Fails(400, 409, 413, 415, 422);
        people.MapGet("/{id}", Get).Fails(404);
        people.MapPut("/{id}", Change).Needs(Rights.PeopleChange).Takes<PersonRequest>()
            .Audit(AuditVerbs.PersonChange, AuditTargets.Person, AuditPlace.WithTheChange).Fails(400, 404, 409, 412, 413, 415, 422, 428);
        people.MapDelete("/{id}", Delete).Needs(Rights.PeopleChange).Audit(AuditVerbs.PersonDelete, AuditTargets.Person, AuditPlace.WithTheChange).Fails(404);
        people.MapGet("/{id}/classes", ClassesOf).Fails(404);

        var classes = api.MapGroup("/classes").Needs(Rights.PeopleRead).WithinSchools().WithTags("Classes");
        classes.MapGet("", ListClasses).WithQuery("q", "school", "active", "after", "limit").Fails(400);
        classes.MapPost("", CreateClass).Needs(Rights.PeopleChange).Takes<ClassRequest>().Idempotent()
            .Audit(AuditVerbs.ClassCreate, AuditTargets.Class, AuditPlace.WithTheChange).Fails(400, 409, 413, 415, 422);
        classes.MapGet("/{id}", GetClass).Fails(404);
        classes.MapPut("/{id}", ChangeClass).Needs(Rights.PeopleChange).Takes<ClassRequest>()
            .Audit(AuditVerbs.ClassChange, AuditTargets.Class, AuditPlace.WithTheChange).Fails(400, 404, 409, 412, 413, 415, 422, 428);
        classes.MapDelete("/{id}", DeleteClass).Needs(Rights.PeopleChange).Audit(AuditVerbs.ClassDelete, AuditTargets.Class, AuditPlace.WithTheChange).Fails(404);
        classes.MapGet("/{id}/members", Members).WithQuery("after", "limit").Fails(400, 404);
        classes.MapPut("/{id}/members/{personId}", SetMember).Needs(Rights.PeopleChange).Takes<MemberRequest>()
            .Audit(AuditVerbs.ClassMember, AuditTargets.Class, AuditPlace.WithTheChange).Fails(400, 404, 413, 415);
        classes.MapDelete("/{id}/members/{personId}", RemoveMember).Needs(Rights.PeopleChange)
            .Audit(AuditVerbs.ClassMember, AuditTargets.Class, AuditPlace.WithTheChange).Fails(404);
    }

    /// <summary>List people, by family name</summary>
    /// <remarks>Addresses and ids of the school's own system are for administrators. For others they are null, and are not searched.</remarks>
    /// <param name="q">Part of the name; for administrators of an address or an id too. In whatever case.</param>
    /// <param name="school">The id of a school.</param>
    /// <param name="role">pupil, teacher or staff.</param>
    /// <param name="active">true: only those who are there; false: only those who have left. Absent: all.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<PersonView>>> List(
        HttpContext context, PeopleService service, [FromQuery] string? q = null, [FromQuery] string? school = null, [FromQuery] string? role = null,
        [FromQuery] string? active = null, [FromQuery] string? after = null, [FromQuery] string? limit = null) =>
        TypedResults.Ok(await service.List(FleetUser.Of(context), PeopleService.Filter(q, school, role, Text.Flag("active", active)), after, Page.Limit(limit)));

    /// <summary>Add a person</summary>
    public static async Task<Created<PersonView>> Create(HttpContext context, PeopleService service)
    {
        var person = await service.Create(context, await RequestBody.ReadJsonAsync(context, AdminJson.Default.PersonRequest));
        EntityTag.Write(context, person.Version);
        return TypedResults.Created($"/api/v1/people/{person.Id}", person);
    }

    /// <summary>One person</summary>
    /// <remarks>The <c>ETag</c> of the answer is what a change is sent with.</remarks>
    public static async Task<Ok<PersonView>> Get(string id, HttpContext context, PeopleService service)
    {
        var person = await service.Get(FleetUser.Of(context), id);
        EntityTag.Write(context, person.Version);
        return TypedResults.Ok(person);
    }

    /// <summary>Change a person</summary>
    /// <remarks>As a whole: what is not sent is cleared. Send <c>If-Match</c> with the <c>ETag</c> that you read, or with <c>*</c> to write over whatever stands. 412:
    /// somebody else has changed the person in between.</remarks>
    public static async Task<Ok<PersonView>> Change(string id, HttpContext context, PeopleService service)
    {
        var basedOn = EntityTag.Required(context);
        var person = await service.Change(context, id, basedOn, await RequestBody.ReadJsonAsync(context, AdminJson.Default.PersonRequest));
        EntityTag.Write(context, person.Version);
        return TypedResults.Ok(person);
    }

    /// <summary>Forget a person</summary>
    /// <remarks>The person and what classes they are in is deleted. Records of what was done keep the id, and no name. Whoever has only left is better made inactive.</remarks>
    public static async Task<NoContent> Delete(string id, HttpContext context, PeopleService service)
    {
        await service.Delete(context, id);
        return TypedResults.NoContent();
    }

    /// <summary>The classes of a person</summary>
    public static async Task<Ok<PersonClassesView>> ClassesOf(string id, HttpContext context, PeopleService service) =>
        TypedResults.Ok(await service.Classes(FleetUser.Of(context), id));

    /// <summary>List classes, by name</summary>
    /// <param name="q">Part of the name, the code or the source id, in whatever case.</param>
    /// <param name="school">The id of a school.</param>
    /// <param name="active">true: only those that go on; false: only those that have ended. Absent: all.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<ClassView>>> ListClasses(
        HttpContext context, ClassService service, [FromQuery] string? q = null, [FromQuery] string? school = null, [FromQuery] string? active = null,
        [FromQuery] string? after = null, [FromQuery] string? limit = null) =>
        TypedResults.Ok(await service.List(FleetUser.Of(context), q, school, Text.Flag("active", active), after, Page.Limit(limit)));

    /// <summary>Create a class</summary>
    public static async Task<Created<ClassView>> CreateClass(HttpContext context, ClassService service)
    {
        var made = await service.Create(context, await RequestBody.ReadJsonAsync(context, AdminJson.Default.ClassRequest));
        EntityTag.Write(context, made.Version);
        return TypedResults.Created($"/api/v1/classes/{made.Id}", made);
    }

    /// <summary>One class</summary>
    public static async Task<Ok<ClassView>> GetClass(string id, HttpContext context, ClassService service)
    {
        var found = await service.Get(FleetUser.Of(context), id);
        EntityTag.Write(context, found.Version);
        return TypedResults.Ok(found);
    }

    /// <summary>Change a class</summary>
    /// <remarks>As a whole, without its people. <c>If-Match</c> as for a person.</remarks>
    public static async Task<Ok<ClassView>> ChangeClass(string id, HttpContext context, ClassService service)
    {
        var basedOn = EntityTag.Required(context);
        var changed = await service.Change(context, id, basedOn, await RequestBody.ReadJsonAsync(context, AdminJson.Default.ClassRequest));
        EntityTag.Write(context, changed.Version);
        return TypedResults.Ok(changed);
    }

    /// <summary>Delete a class</summary>
    /// <remarks>Its people stay.</remarks>
    public static async Task<NoContent> DeleteClass(string id, HttpContext context, ClassService service)
    {
        await service.Delete(context, id);
        return TypedResults.NoContent();
    }

    /// <summary>The people of a class, by family name</summary>
    /// <param name="id">Of the class.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<MemberView>>> Members(
        string id, HttpContext context, ClassService service, [FromQuery] string? after = null, [FromQuery] string? limit = null) =>
        TypedResults.Ok(await service.Members(FleetUser.Of(context), id, after, Page.Limit(limit)));

    /// <summary>Put a person into a class</summary>
    /// <remarks>Or change what the person is there: pupil or teacher.</remarks>
    public static async Task<NoContent> SetMember(string id, string personId, HttpContext context, ClassService service)
    {
        await service.SetMember(context, id, personId, await RequestBody.ReadJsonAsync(context, AdminJson.Default.MemberRequest));
        return TypedResults.NoContent();
    }

    /// <summary>Take a person out of a class</summary>
    public static async Task<NoContent> RemoveMember(string id, string personId, HttpContext context, ClassService service)
    {
        await service.RemoveMember(context, id, personId);
        return TypedResults.NoContent();
    }
}
