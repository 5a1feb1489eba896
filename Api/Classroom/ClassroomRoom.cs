using FleetMdm.Api.Access;
using FleetMdm.Api.Console;
using FleetMdm.Api.Devices;

namespace FleetMdm.Api.Classroom;

/// <summary>Apple's Classroom: switched on for a school, it finds the school's classes on the iPads of teachers and pupils.</summary>
/// <remarks>Owns <c>/api/v1/classroom</c>, <c>/api/v1/schools/{id}/classroom</c>, <c>/api/v1/devices/{id}/classroom</c>, <c>/classroom</c>, the tab <c>/ipads/{id}/classroom</c> and the
/// tables <c>classroom_…</c>. Who sees iPads sees how it stands; <see cref="Rights.AssignmentChange"/> switches, for the schools of the rights. No answer names a person.</remarks>
internal static class ClassroomRoom
{
    private const int Tab = 7;

    public static void AddClassroom(this IServiceCollection services)
    {
        services.AddSingleton<ClassroomService>();
        services.AddSingleton(new ConsoleEntry(27, "/classroom", "Classroom", "M3 4h14v9H3ZM7 17h6M10 13v4", 'z'));
        services.AddSingleton(new DeviceTab(Tab, ClassroomPages.Name, "Classroom") { Fits = device => device.Kind == "Device" });
    }

    public static void MapClassroom(this AdminRoutes routes)
    {
        ClassroomEndpoints.MapRest(routes.Api);
        ClassroomPages.MapPages(routes.Pages);
    }
}
