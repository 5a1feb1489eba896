using FleetMdm.Api.Access;
using FleetMdm.Api.Assignments;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Assignments;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Classroom;
using FleetMdm.Storage.Holdings;

namespace FleetMdm.Api.Classroom;

/// <summary>Apple's Classroom, for REST and for the console.</summary>
internal sealed class ClassroomService(
    IClassroomStore store, IAssignmentStore assignments, IHoldingStore holdings, DeviceLookup lookup, AuditTrail trail, IGrainFactory grains, TimeProvider time)
{
    private DateOnly Today => DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);

    public async Task<Page<ClassroomSchoolView>> List(FleetUser reader, string? after, int limit)
    {
        var last = after is null ? null : await Row(reader, after) ?? throw ApiProblem.InvalidCursor();
        var rows = await store.ListSchools(reader.Scope, last, limit + 1);
        var views = (await Views(reader, rows)).ToDictionary(one => one.SchoolId);
        return Page.Of(rows, limit, row => views[row.Id], row => row.Id);
    }

    /// <exception cref="ApiProblem">404.</exception>
    public async Task<ClassroomSchoolView> Get(FleetUser reader, string schoolId) => (await Views(reader, [await Row(reader, schoolId) ?? throw NotFound()]))[0];

    /// <summary>The same once more changes nothing.</summary>
    /// <exception cref="ApiProblem">404.</exception>
    public async Task<ClassroomSchoolView> Switch(HttpContext context, string schoolId, bool on)
    {
        var user = FleetUser.Of(context);
        var school = await Row(user, schoolId) ?? throw NotFound();
        var changed = await store.Switch(
            user.Scope, school.Id, on, time.GetUtcNow(), user.Name, trail.Entry(context, AuditVerbs.ClassroomSwitch, AuditTargets.School, school.Id, detail: on ? $"{school.Name}: on" : $"{school.Name}: off"));
        if (changed is null) throw NotFound();
        // Told whether or not it was so already: whoever switched it before may have died before telling.
        await grains.GetGrain<IClassroomGrain>(0).Switched();
        return await Get(user, school.Id);
    }

    /// <exception cref="ApiProblem">404, 400.</exception>
    public async Task<Page<ClassroomDeviceView>> Devices(FleetUser reader, string schoolId, string? state, string? after, int limit)
    {
        var school = await Row(reader, schoolId) ?? throw NotFound();
        AssignmentState? wanted = string.IsNullOrEmpty(state) ? null
            : AssignmentWords.ReadState(state) ?? throw ApiProblem.Field("state", $"It is one of {string.Join(", ", Enum.GetValues<AssignmentState>().Select(AssignmentWords.State))}.");
        if (after is not null && Text.EnrolmentId(after) is null) throw ApiProblem.InvalidCursor();
        return Page.Of(await store.ListDevices(reader.Scope, school.Id, wanted, after, limit + 1), limit, ClassroomDeviceView.Of, row => row.DeviceId);
    }

    /// <summary>Classes in which no teacher has an enrolled iPad: the first ones by name.</summary>
    /// <exception cref="ApiProblem">404.</exception>
    public async Task<IReadOnlyList<ClassroomClassView>> WithoutTeacher(FleetUser reader, string schoolId, int limit)
    {
        var school = await Row(reader, schoolId) ?? throw NotFound();
        return [.. (await store.ListWithoutTeacher(reader.Scope, school.Id, Today, null, limit)).Select(ClassroomClassView.Of)];
    }

    /// <exception cref="ApiProblem">404.</exception>
    public async Task<ClassroomDeviceView> OfDevice(string deviceId)
    {
        var device = await lookup.Row(deviceId);
        var wanted = await store.Find(device.Id);
        var standing = (await assignments.ListOfDevice(device.Id)).FirstOrDefault(one => one.Standing.AssignmentId == IClassroomStore.AssignmentId)?.Standing;
        var words = wanted is not null || standing is not null ? null
            : await holdings.PersonOf(device.Id) is null ? "Nobody has this iPad. It gets its classes when it is handed out to a teacher or a pupil."
            : "The person who has it is in no class of a school that uses Classroom.";
        return ClassroomDeviceView.Of(device.Id, device.DeviceName, device.SerialNumber, wanted, standing, words);
    }

    private async Task<IReadOnlyList<ClassroomSchoolView>> Views(FleetUser reader, IReadOnlyList<ClassroomSchool> schools)
    {
        IReadOnlyList<string> ids = [.. schools.Select(school => school.Id)];
        var counts = (await store.Count(reader.Scope, ids)).ToLookup(one => (one.SchoolId, one.Role));
        var without = await store.CountWithoutTeacher(ids, Today);
        return
        [
            .. schools.Select(school => new ClassroomSchoolView
            {
                SchoolId = school.Id,
                School = school.Name,
                On = school.On,
                SwitchedAt = school.SwitchedAt,
                SwitchedBy = school.SwitchedBy,
                TeacherIPads = ClassroomCountsView.Of(counts[(school.Id, Storage.People.PersonRole.Teacher)]),
                PupilIPads = ClassroomCountsView.Of(counts[(school.Id, Storage.People.PersonRole.Pupil)]),
                ClassesWithoutTeacherIPad = without.GetValueOrDefault(school.Id),
            }),
        ];
    }

    private async Task<ClassroomSchool?> Row(FleetUser reader, string id) => Text.Uuid(id) is { } uuid ? await store.FindSchool(reader.Scope, uuid.ToString("D")) : null;

    private static ApiProblem NotFound() => ApiProblem.NotFound("There is no such school.");
}
