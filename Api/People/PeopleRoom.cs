using FleetMdm.Api.Access;
using FleetMdm.Api.Console;

namespace FleetMdm.Api.People;

/// <summary>Pupils, teachers and staff, and their classes.</summary>
/// <remarks>Owns <c>/api/v1/people</c>, <c>/api/v1/classes</c>, <c>/people</c>, <c>/classes</c> and the tables <c>people</c>, <c>classes</c> and <c>class_members</c>. Everybody
/// who may read sees names, schools and classes. Addresses and ids of people are for administrators, who change them too. No record of what was done names
/// a person: deleting one forgets the name.</remarks>
internal static class PeopleRoom
{
    public static void AddPeople(this IServiceCollection services)
    {
        services.AddSingleton<PeopleService>();
        services.AddSingleton<ClassService>();
        services.AddSingleton(new ConsoleEntry(34, "/people", "People", "M7 9a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM2 16a5 5 0 0 1 10 0M13 9a2.5 2.5 0 1 0 0-5M14 12a4 4 0 0 1 4 4", 'u', Rights.PeopleRead));
    }

    public static void MapPeople(this AdminRoutes routes)
    {
        PeopleEndpoints.MapRest(routes.Api);
        PeoplePages.MapPages(routes.Pages);
        ClassPages.MapPages(routes.Pages);
    }
}
