using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.People;

namespace FleetMdm.Api.People;

/// <summary>Classes and their people, for REST and for the console.</summary>
internal sealed class ClassService(IClassStore store, IPeopleStore people, AuditTrail trail, TimeProvider time)
{
    public const int LongestCode = 50;

    public async Task<Page<ClassView>> List(FleetUser reader, string? text, string? schoolId, bool? active, string? after, int limit)
    {
        var last = after is null ? null : (await Row(reader, after))?.Class ?? throw ApiProblem.InvalidCursor();
        var rows = await store.List(reader.Scope, new ClassFilter
        {
            Text = string.IsNullOrWhiteSpace(text) ? null : Text.Optional("q", text.Trim()),
            SchoolId = string.IsNullOrEmpty(schoolId) ? null : PeopleService.Id("school", schoolId),
            Active = active,
        }, last, limit + 1);
        return Page.Of(rows, limit, ClassView.Of, row => row.Class.Id);
    }

    /// <exception cref="ApiProblem">404.</exception>
    public async Task<ClassView> Get(FleetUser reader, string id) => ClassView.Of(await Row(reader, id) ?? throw NotFound());

    public async Task<Page<MemberView>> Members(FleetUser reader, string id, string? after, int limit)
    {
        var row = await Row(reader, id) ?? throw NotFound();
        var last = after is null ? null : (Text.Uuid(after) is { } uuid ? await people.Find(reader.Scope, uuid.ToString("D")) : null)?.Person ?? throw ApiProblem.InvalidCursor();
        var members = await store.ListMembers(reader.Scope, row.Class.Id, last, limit + 1);
        return Page.Of(members, limit, member => MemberView.Of(reader, member), member => member.Person.Id);
    }

    public async Task<ClassView> Create(HttpContext context, ClassRequest request)
    {
        var user = FleetUser.Of(context);
        var now = time.GetUtcNow();
        var @class = Read(request) with
        {
            Id = RequestIds.NewGuid(context, "class").ToString("D"),
            Version = 1,
            CreatedAt = now,
            CreatedBy = user.Name,
            UpdatedAt = now,
            UpdatedBy = user.Name,
        };
        Refuse(await store.Create(user.Scope, @class, trail.Entry(context, AuditVerbs.ClassCreate, AuditTargets.Class, @class.Id, detail: @class.Name)));
        return await Get(user, @class.Id);
    }

    public Task<ClassView> Change(HttpContext context, string id, int? basedOn, ClassRequest request) => EntityTag.Attempt(basedOn, async () =>
    {
        var user = FleetUser.Of(context);
        var standing = (await Row(user, id))?.Class ?? throw NotFound();
        var @class = Read(request) with
        {
            Id = standing.Id,
            Version = (basedOn ?? standing.Version) + 1,
            CreatedAt = standing.CreatedAt,
            CreatedBy = standing.CreatedBy,
            UpdatedAt = time.GetUtcNow(),
            UpdatedBy = user.Name,
        };
        Refuse(await store.Change(user.Scope, @class, trail.Entry(context, AuditVerbs.ClassChange, AuditTargets.Class, @class.Id, detail: @class.Name)));
        return await Get(user, @class.Id);
    });

    public async Task Delete(HttpContext context, string id)
    {
        var user = FleetUser.Of(context);
        var standing = (await Row(user, id))?.Class ?? throw NotFound();
        Refuse(await store.Delete(user.Scope, standing.Id, trail.Entry(context, AuditVerbs.ClassDelete, AuditTargets.Class, standing.Id, detail: standing.Name)));
    }

    public async Task SetMember(HttpContext context, string id, string personId, MemberRequest request)
    {
        var user = FleetUser.Of(context);
        var role = PeopleService.Role("role", request.Role);
        if (role == PersonRole.Staff) throw ApiProblem.Field("role", "It must be pupil or teacher.");
        var @class = await Get(user, id);
        Refuse(await store.SetMember(user.Scope, @class.Id, PersonId(personId), role, Record(context, @class, personId, PersonView.RoleOf(role))));
    }

    public async Task RemoveMember(HttpContext context, string id, string personId)
    {
        var user = FleetUser.Of(context);
        var @class = await Get(user, id);
        Refuse(await store.RemoveMember(user.Scope, @class.Id, PersonId(personId), Record(context, @class, personId, "out")));
    }

    private AuditRecord Record(HttpContext context, ClassView @class, string personId, string what) =>
        trail.Entry(context, AuditVerbs.ClassMember, AuditTargets.Class, @class.Id, subject: PersonId(personId), detail: what);

    private static string PersonId(string id) => Text.Uuid(id)?.ToString("D") ?? throw ApiProblem.NotFound("There is no such person.");

    private async Task<ClassRow?> Row(FleetUser reader, string id) =>
        Text.Uuid(id) is { } uuid ? await store.Find(reader.Scope, uuid.ToString("D")) : null;

    private static SchoolClass Read(ClassRequest request) => new()
    {
        Id = "",
        Version = 0,
        SchoolId = PeopleService.Id("schoolId", request.SchoolId),
        Name = Text.Required("name", request.Name).Trim(),
        Code = Text.Optional("code", request.Code?.Trim(), LongestCode),
        SourceId = Text.Optional("sourceId", request.SourceId?.Trim(), PeopleService.LongestId),
        EndsOn = request.EndsOn,
        Active = request.Active ?? true,
        CreatedAt = default,
        CreatedBy = "",
        UpdatedAt = default,
        UpdatedBy = "",
    };

    private static void Refuse(PersonOutcome outcome) => PeopleService.Refuse(outcome, "class", "the class");

    private static ApiProblem NotFound() => ApiProblem.NotFound("There is no such class.");
}
