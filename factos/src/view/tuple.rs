use crate::view::View;

macro_rules! tuple {
    ($($view:ident $i:tt),*) => {
        impl<Event, $($view: View<Event = Event>),*> View for ($($view,)*) {
            type Event = Event;
            type State = ($($view::State,)*);

            fn initial(&self) -> Self::State {
                ($(self.$i.initial(),)*)
            }

            fn evolve(&self, state: Self::State, event: &Event) -> Self::State {
                ($(self.$i.evolve(state.$i, event),)*)
            }
        }
    };
}

tuple!(A 0);
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
tuple!(A 0, B 1, C 2, D 3, E 4);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);
