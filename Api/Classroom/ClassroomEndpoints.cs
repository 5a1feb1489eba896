using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace FleetMdm.Api.Classroom;

/// <summary><c>/api/v1/classroom</c>, <c>/api/v1/schools/{id}/classroom</c> and <c>/api/v1/devices/{id}/classroom</c>.</summary>
internal static class ClassroomEndpoints
{
    public static void MapRest(RouteGroupBuilder api)
    {
        var classroom = api.MapGroup("").Needs(Rights.DeviceRead).WithinSchools().WithTags("Classroom");
        classroom.MapGet("/classroom", List).WithQuery("after", "limit").Fails(400);
        classroom.MapGet("/schools/{id}/classroom", Get).Fails(404);
        classroom.MapPut("/schools/{id}/classroom", Switch).Needs(Rights.AssignmentChange).Takes<ClassroomRequest>()
            .Audit(AuditVerbs.ClassroomSwitch, AuditTargets.School, AuditPlace.WithTheChange).Fails(400, 404, 413, 415);
        classroom.MapGet("/schools/{id}/classroom/devices", Devices).WithQuery("state", "after", "limit").Fails(400, 404);
        classroom.MapGet("/devices/{id}/classroom", OfDevice).Fails(404);
    }

    /// <summary>Which schools use Apple's Classroom, by name</summary>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<ClassroomSchoolView>>> List(HttpContext context, ClassroomService service, [FromQuery] string? after = null, [FromQuery] string? limit = null) =>
        TypedResults.Ok(await service.List(FleetUser.Of(context), after, Page.Limit(limit)));

    /// <summary>Apple's Classroom at a school</summary>
    /// <param name="id">Of the school.</param>
    public static async Task<Ok<ClassroomSchoolView>> Get(string id, HttpContext context, ClassroomService service) =>
        TypedResults.Ok(await service.Get(FleetUser.Of(context), id));

    /// <summary>Switch Apple's Classroom on or off for a school</summary>
    /// <remarks>On: each supervised iPad of a teacher or a pupil gets a profile with the classes of its person, within seconds, and again when they change. Off: it is removed. The
    /// same once more changes nothing.</remarks>
    /// <param name="id">Of the school.</param>
    public static async Task<Ok<ClassroomSchoolView>> Switch(string id, HttpContext context, ClassroomService service) =>
        TypedResults.Ok(await service.Switch(context, id, (await RequestBody.ReadJsonAsync(context, AdminJson.Default.ClassroomRequest)).On));

    /// <summary>The iPads of a school that should have classes, by id</summary>
    /// <param name="id">Of the school.</param>
    /// <param name="state">waiting, sent, installed, failed or notApplicable; absent: all.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<ClassroomDeviceView>>> Devices(
        string id, HttpContext context, ClassroomService service, [FromQuery] string? state = null, [FromQuery] string? after = null, [FromQuery] string? limit = null) =>
        TypedResults.Ok(await service.Devices(FleetUser.Of(context), id, state, after, Page.Limit(limit)));

    /// <summary>Apple's Classroom on one iPad</summary>
    /// <param name="id">Of the iPad.</param>
    public static async Task<Ok<ClassroomDeviceView>> OfDevice(string id, ClassroomService service) => TypedResults.Ok(await service.OfDevice(id));
}
